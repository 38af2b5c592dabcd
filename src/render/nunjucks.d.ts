// Nunjucks 3.2.4 ships no types for its inner modules. Only what the engine reads is declared here.
