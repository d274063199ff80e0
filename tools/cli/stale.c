#include "tools/cli/stale.h"
#include "tools/cli/leases.h"

#define PAGE 100

const char *const stale_statuses[] = {"in_progress", "cancelling", NULL};

void stale_finish(struct stale_page *page)
{
	buf_finish(&page->data);
}

/* What the lease says counts: the run may have gone on since its list was made. */
static bool is_stale(struct slice lease)
{
	struct slice status;

	if (!mp_is_nil(mp_lookup(lease, "lease")) ||
		!mp_get_str(mp_lookup(lease, "status"), &status)) {
		return false;
	}
	for (int i = 0; stale_statuses[i]; i++) {
		if (slice_is(status, stale_statuses[i])) {
			return true;
		}
	}
	return false;
}

static uint32_t read_runs(struct slice in, struct slice runs[PAGE], struct slice ids[PAGE])
{
	uint32_t n = 0;
	struct mp t;

	if (!mp_read(&in, &t) || t.type != MP_ARRAY) {
		return 0;
	}
	while (n < PAGE && n < t.n) {
		runs[n] = mp_value(&in);
		if (!mp_get_str(mp_lookup(runs[n], "id"), &ids[n])) {
			return n;
		}
		n++;
	}
	return n;
}

int stale_find(struct cli *cli, struct slice in, uint32_t most, struct stale_page *page)
{
	_cleanup_(buf_finish) struct buf items = {0};
	struct slice runs[PAGE], ids[PAGE];
	uint32_t n = read_runs(in, runs, ids);
	struct runstore_batch *batch;
	int r;

	if (runstore_batch_open(&batch, NULL)) {
		return cli_error("Out of memory.");
	}
	r = leases_ask(cli, batch, ids, n);
	for (uint32_t i = 0; !r && i < n && !page->more; i++) {
		if (!is_stale(leases_result(batch, i))) {
			continue;
		}
		page->more = page->n == most;
		if (!page->more) {
			buf_put(&items, runs[i]);
			page->last = ids[i];
			page->n++;
		}
	}
	runstore_batch_close(batch);
	mp_put_array(&page->data, page->n);
	buf_put(&page->data, buf_slice(&items));
	return r || !buf_error(&page->data) ? r : cli_error("Out of memory.");
}
