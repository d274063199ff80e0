#include "daemon/config.h"
#include "daemon/log.h"
#include "daemon/serve.h"
#include "daemon/supervisor.h"

#include <stdlib.h>

static void nobody_to_tell(void *context)
{
}

int main(int argc, char **argv)
{
	struct config config;
	int r = config_parse(&config, argc, argv);

	if (r) {
		return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	log_set_level((enum log_level)config.log_level);
	return config.supervise ? supervise(&config) : serve(&config, true, nobody_to_tell, NULL);
}
