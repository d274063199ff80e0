#include "tools/cli/leases.h"

static int add(struct runstore_batch *batch, struct slice id)
{
	_cleanup_(buf_finish) struct buf params = {0};
	struct runstore_error error;

	mp_put_map(&params, 1);
	mp_put_cstr(&params, "run_id");
	mp_put_str(&params, id);
	if (buf_error(&params)) {
		return cli_error("Out of memory.");
	}
	if (runstore_batch_add(batch, "runs.lease", params.ptr, params.len, &error)) {
		return cli_refused(&error);
	}
	return 0;
}

int leases_ask(struct cli *cli, struct runstore_batch *batch, const struct slice *ids, size_t n)
{
	struct runstore_error error;
	int r = 0;

	runstore_batch_clear(batch);
	for (size_t i = 0; !r && i < n; i++) {
		r = add(batch, ids[i]);
	}
	if (!r && n && runstore_batch_run(cli->rs, batch, false, &error)) {
		r = cli_refused(&error);
	}
	return r;
}

struct slice leases_result(const struct runstore_batch *batch, size_t index)
{
	struct runstore_value value;

	if (runstore_batch_result(batch, index, &value, NULL)) {
		return slice_of(NULL, 0);
	}
	return slice_of(value.data, value.size);
}
