/* Time-based one-time passwords (RFC 6238: HMAC-SHA-1, 30 s, 6 digits), and base32 (RFC 4648), in
 * which people's apps take the secret.  Pure. */
#ifndef CORDON_WEB_TOTP_H
#define CORDON_WEB_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define TOTP_SECRET_SIZE 20 /* as many as SHA-1 gives (RFC 4226, requirement 6) */
#define TOTP_BASE32_SIZE 33
#define TOTP_STEP_S 30
#define TOTP_DIGITS 6
#define TOTP_WINDOW 1 /* steps before and after now: the person's clock, and the time of typing */

/* The code of one step, leading zeros kept. */
uint32_t totp_code(const uint8_t secret[TOTP_SECRET_SIZE], uint64_t step);
/* Is 'text' the code of a step around 'wall_us' that is later than 'used'?  '*step' is that one:
 * keep it as used before anything is granted.  Takes as long whichever step it is. */
bool totp_check(const uint8_t secret[TOTP_SECRET_SIZE], const char *text, int64_t wall_us,
                uint64_t used, uint64_t *step) MUST_CHECK;
void totp_base32(const uint8_t secret[TOTP_SECRET_SIZE], char text[TOTP_BASE32_SIZE]);

#endif
