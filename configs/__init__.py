"""Settings, prompts and the exception tree. Imports nothing of ours; the only package that reads the environment."""
