/* The command line. What it does is in cli/. */
#include "tools/cli/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
