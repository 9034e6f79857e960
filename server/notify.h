/* Telling the service manager how we stand, by systemd's protocol: one datagram to the socket in NOTIFY_SOCKET. */
#ifndef PV_SERVER_NOTIFY_H
#define PV_SERVER_NOTIFY_H

/* "READY=1", "STOPPING=1". Without a manager, or when it does not listen, nothing happens. */
void pv_notify_send(const char *state);

#endif
