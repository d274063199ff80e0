/* Tell the service manager: the protocol of sd_notify(3), a datagram to $NOTIFY_SOCKET. */
#pragma once

/* Send @state ("READY=1"). Nothing happens when no manager asked for it. */
void notify_send(const char *state);
