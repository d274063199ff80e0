/* Whole files as text. */
#pragma once

/* The file @path, "-" for standard input, as a string for file_free(). 0, or CLI_USAGE told. */
int file_load(const char *path, char **text);

void file_free(char **text);
