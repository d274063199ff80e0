/* What a person sees: widths, colours, times. */
#pragma once

#include "proto/slice.h"

#include <stdio.h>

/* Make characters have widths. Call once. */
void term_init(void);

/* Columns of the terminal @fd; 80 when it does not say. */
int term_columns(int fd);

/* Columns that @s takes when term_write() writes it, and the bytes of it that fit @columns. */
int term_width(struct slice s);
size_t term_fit(struct slice s, int columns);

/* Write @s; what could move the cursor or change the terminal becomes a question mark. */
void term_write(FILE *file, struct slice s);

/* "just now", "3 min ago", "in 2 h", "2025-03-01": never more than 24 columns. */
void term_ago(int64_t now, int64_t time, char out[static 32]);

/* "2025-03-01 12:30:05", in local time. */
void term_time(int64_t time, char out[static 32]);

/* Write both: "2025-03-01 12:30:05 (3 min ago)". */
void term_when(FILE *file, int64_t now, int64_t time);

/* 12,345,678. */
void term_count(uint64_t n, char out[static 32]);

/* The colour of a status as an escape sequence, "" for none. */
const char *term_status_color(struct slice status);

#define TERM_DIM "\033[2m"
#define TERM_BOLD "\033[1m"
#define TERM_RED "\033[31m"
#define TERM_PLAIN "\033[0m"
