#include "daemon/store/clock.h"
#include "daemon/store/keys.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define WORTH_MS 1000 /* the wall clock was set; less than that is adjustment and rounding */

static int64_t read_clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return read_clock_ms(CLOCK_REALTIME);
}

int64_t steady_now_ms(const struct steady *steady)
{
	return read_clock_ms(CLOCK_BOOTTIME) + steady->offset_ms;
}

/* Without one every start counts as one after a boot. */
static void read_boot_id(char out[static 40])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	memset(out, 0, 40);
	if (fd >= 0) {
		n = read(fd, out, 36);
		close(fd);
	}
	if (n != 36) {
		out[0] = '\0';
	}
}

void steady_init(struct steady *steady, struct slice remembered)
{
	char boot_id[40];

	read_boot_id(boot_id);
	*steady = (struct steady){0};
	if (remembered.len == STEADY_BYTES) {
		memcpy(steady->boot_id, remembered.ptr, sizeof(steady->boot_id));
		steady->offset_ms = (int64_t)read_u64(remembered.ptr + 40);
		steady->ahead_ms = (int64_t)read_u64(remembered.ptr + 48);
	}
	if (!boot_id[0] || memcmp(boot_id, steady->boot_id, sizeof(boot_id)) != 0) {
		memcpy(steady->boot_id, boot_id, sizeof(boot_id));
		steady->offset_ms =
			clock_wall_ms() - steady->ahead_ms - read_clock_ms(CLOCK_BOOTTIME);
	}
}

struct steady steady_look(const struct steady *steady)
{
	struct steady now = *steady;

	now.ahead_ms = clock_wall_ms() - steady_now_ms(steady);
	return now;
}

void steady_write(const struct steady *steady, uint8_t out[static STEADY_BYTES])
{
	memcpy(out, steady->boot_id, sizeof(steady->boot_id));
	write_u64(out + 40, (uint64_t)steady->offset_ms);
	write_u64(out + 48, (uint64_t)steady->ahead_ms);
}

bool steady_differs(const struct steady *now, const struct steady *before)
{
	int64_t moved_ms = now->ahead_ms - before->ahead_ms;

	return moved_ms > WORTH_MS || moved_ms < -WORTH_MS;
}
