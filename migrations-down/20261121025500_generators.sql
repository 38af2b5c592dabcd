DROP TABLE generator_tokens;
DROP TABLE generators;
