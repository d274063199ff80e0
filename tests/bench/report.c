#include "tests/bench/report.h"
#include "tests/bench/place.h"
#include "tests/bench/process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_ROWS 128

static struct row rows[MAX_ROWS];
static size_t n_rows;

void report_add(const struct row *row)
{
	if (n_rows == MAX_ROWS) {
		die("too many rows");
	}
	rows[n_rows++] = *row;
}

size_t report_count(void)
{
	return n_rows;
}

struct row report_compare(
	const struct phase *measured, const struct phase *floor, enum figure figure)
{
	return (struct row){
		.unit = figure == FIGURE_RATE ? UNIT_PER_SECOND : UNIT_US,
		.value = phase_median(measured, figure),
		.p99_us = phase_median(measured, FIGURE_P99),
		.floor_name = floor->name,
		.floor = phase_median(floor, figure),
		.floor_p99_us = phase_median(floor, FIGURE_P99),
		.ratio = phase_ratio(measured, floor, figure),
	};
}

static void format_value(char *out, size_t size, enum unit unit, double v)
{
	static const char *const units[] = {[UNIT_US] = "us",
		[UNIT_MS] = "ms",
		[UNIT_PER_SECOND] = "/s",
		[UNIT_MIB] = "MiB",
		[UNIT_BYTES] = "B",
		[UNIT_PERCENT] = "%"};

	if (unit == UNIT_PER_SECOND && v >= 1e6) {
		snprintf(out, size, "%.2f M/s", v / 1e6);
	} else if (unit == UNIT_PER_SECOND && v >= 1e3) {
		snprintf(out, size, "%.1f k/s", v / 1e3);
	} else if (unit == UNIT_PERCENT) {
		snprintf(out, size, "%.2f %%", v);
	} else {
		snprintf(out, size, "%.1f %s", v, units[unit]);
	}
}

static void format_goal(char *out, size_t size, const struct row *row)
{
	bool most = row->goal == GOAL_RATIO_MAX || row->goal == GOAL_VALUE_MAX;
	char value[32];

	if (row->goal == GOAL_NONE) {
		snprintf(out, size, "-");
	} else if (row->goal == GOAL_RATIO_MAX || row->goal == GOAL_RATIO_MIN) {
		snprintf(out, size, "%s %.2f x", most ? "<=" : ">=", row->limit);
	} else {
		format_value(value, sizeof(value), row->unit, row->limit);
		snprintf(out, size, "%s %s", most ? "<=" : ">=", value);
	}
}

/* By which part of the target it is missed; 0 or less: it is met. */
static double missed_by(const struct row *row)
{
	switch (row->goal) {
	case GOAL_RATIO_MAX:
		return row->ratio.median / row->limit - 1;
	case GOAL_RATIO_MIN:
		return 1 - row->ratio.median / row->limit;
	case GOAL_VALUE_MAX:
		return row->value / row->limit - 1;
	case GOAL_VALUE_MIN:
		return 1 - row->value / row->limit;
	default:
		return 0;
	}
}

static void format_verdict(char *out, size_t size, const struct row *row)
{
	if (row->goal == GOAL_NONE) {
		snprintf(out, size, "-");
	} else if (missed_by(row) <= 0) {
		snprintf(out, size, "met");
	} else {
		snprintf(out, size, "missed by %.0f %%", missed_by(row) * 100);
	}
}

static void print_row(const struct row *row)
{
	char clients[16] = "-", value[32], p99[32] = "-", base[32] = "-", base_p99[32] = "-";
	char ratio[48] = "-", goal[40], verdict[40];

	if (row->n_clients) {
		snprintf(clients, sizeof(clients), "%u", row->n_clients);
	}
	format_value(value, sizeof(value), row->unit, row->value);
	if (row->p99_us > 0) {
		snprintf(p99, sizeof(p99), "%.0f us", row->p99_us);
	}
	if (row->floor > 0) {
		format_value(base, sizeof(base), row->unit, row->floor);
		snprintf(ratio, sizeof(ratio), "%.2f (%.2f-%.2f)", row->ratio.median,
			row->ratio.low, row->ratio.high);
	}
	if (row->floor_p99_us > 0) {
		snprintf(base_p99, sizeof(base_p99), "%.0f us", row->floor_p99_us);
	}
	format_goal(goal, sizeof(goal), row);
	format_verdict(verdict, sizeof(verdict), row);
	printf("%-50s %7s %12s %10s  %-20s %12s %10s  %-17s %-14s %s\n", row->name, clients, value,
		p99, row->floor_name ? row->floor_name : "-", base, base_p99, ratio, goal, verdict);
}

static void print_table(void)
{
	size_t n_goals = 0, n_met = 0;

	printf("%ld cores, %s, %u rounds of %.2f s, medians of the rounds\n\n",
		sysconf(_SC_NPROCESSORS_ONLN), place_filesystem(), rounds_count(),
		rounds_seconds());
	printf("%-50s %7s %12s %10s  %-20s %12s %10s  %-17s %-14s %s\n", "measured", "clients",
		"median", "p99", "floor", "median", "p99", "ratio (range)", "target", "result");
	for (size_t i = 0; i < n_rows; i++) {
		print_row(&rows[i]);
		n_goals += rows[i].goal != GOAL_NONE;
		n_met += rows[i].goal != GOAL_NONE && missed_by(&rows[i]) <= 0;
	}
	printf("\n%zu of %zu targets met\n", n_met, n_goals);
}

static void print_json_row(const struct row *row, bool last)
{
	static const char *const units[] = {[UNIT_US] = "us",
		[UNIT_MS] = "ms",
		[UNIT_PER_SECOND] = "per_s",
		[UNIT_MIB] = "mib",
		[UNIT_BYTES] = "bytes",
		[UNIT_PERCENT] = "percent"};
	static const char *const goals[] = {[GOAL_NONE] = "none",
		[GOAL_RATIO_MAX] = "ratio_max",
		[GOAL_RATIO_MIN] = "ratio_min",
		[GOAL_VALUE_MAX] = "value_max",
		[GOAL_VALUE_MIN] = "value_min"};

	printf("{\"name\":\"%s\",\"clients\":%u,\"unit\":\"%s\",\"value\":%.3f,\"p99_us\":%.1f,",
		row->name, row->n_clients, units[row->unit], row->value, row->p99_us);
	printf("\"floor\":\"%s\",\"floor_value\":%.3f,\"floor_p99_us\":%.1f,",
		row->floor_name ? row->floor_name : "", row->floor, row->floor_p99_us);
	printf("\"ratio\":%.4f,\"ratio_low\":%.4f,\"ratio_high\":%.4f,", row->ratio.median,
		row->ratio.low, row->ratio.high);
	printf("\"goal\":\"%s\",\"limit\":%.3f,\"met\":%s}%s\n", goals[row->goal], row->limit,
		row->goal == GOAL_NONE ? "null"
		: missed_by(row) <= 0  ? "true"
				       : "false",
		last ? "" : ",");
}

static void print_json(void)
{
	printf("{\"cores\":%ld,\"filesystem\":\"%s\",\"rounds\":%u,\"seconds\":%.3f,\"rows\":[\n",
		sysconf(_SC_NPROCESSORS_ONLN), place_filesystem(), rounds_count(),
		rounds_seconds());
	for (size_t i = 0; i < n_rows; i++) {
		print_json_row(&rows[i], i + 1 == n_rows);
	}
	printf("]}\n");
}

void report_print(bool json)
{
	if (json) {
		print_json();
	} else {
		print_table();
	}
}
