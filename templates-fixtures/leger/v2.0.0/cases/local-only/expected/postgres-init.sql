-- Runs once, in a new volume. POSTGRES_DB makes the database of Open WebUI; this is LiteLLM's, for the day it is wanted.
CREATE DATABASE litellm;
