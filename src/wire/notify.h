/* The settings of notifications: one document, checked as a whole, stored and shown by one shape.
 * It holds no secret. */
#ifndef CORDON_WIRE_NOTIFY_H
#define CORDON_WIRE_NOTIFY_H

#include "model/notice.h"
#include "wire/codec.h"

extern const struct shape notify_channel_shape;  /* struct notify_channel */
extern const struct shape notify_settings_shape; /* struct notify_settings */

/* An address that an e-mail may go to: one mailbox in ASCII, nothing that could end a header. */
bool notify_is_address(const char *text);
/* "https://host[:port]/..." without user, spaces or control characters? */
bool notify_is_url(const char *text);
/* NULL: none has that name. */
const struct notify_channel *notify_channel_find(const struct notify_settings *settings,
                                                 const char *name);
/* Where its secret may be used: whoever lets the channel go elsewhere gives the secret again. */
void notify_place(const struct notify_channel *channel, char place[URL_SIZE + NAME_SIZE]);
/* The port that it uses. */
uint16_t notify_port(const struct notify_channel *channel);
/* "HH:MM" as minutes of the day; false: it is not. */
bool notify_minutes(const char *text, unsigned *minutes);

#endif
