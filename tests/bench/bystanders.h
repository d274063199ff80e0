/* What those who wait for something else cost a client that writes. */
#pragma once

#include "tests/bench/sections.h"

/* Adds one row: creates while many claims wait for the runs of another assistant. */
void bystanders_compare(const struct stage *stage);
