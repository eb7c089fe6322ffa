/* policy.yaml: any bytes are a policy or are refused with a reason; a policy that was read answers
 * questions. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "model/revision.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy *policy = NULL;
    struct policy_error error;
    int result = policy_parse((const char *)data, size, &policy, &error);
    if (result != 0) {
        if (error.text[0] == '\0') {
            abort();
        }
        return 0;
    }
    if (utf8_lines_size((const char *)data, size) != size || size > POLICY_TEXT_MAX) {
        abort(); /* it could not be shown, or not be stored again as it is */
    }
    struct ip ip = ip_from_v4((uint8_t[4]){192, 0, 2, 7});
    char network[NAME_SIZE];
    const struct permit_set *sets;
    const struct rule_protect *protects;
    if (policy_mode_of(policy, "", &ip, network) >= MODE_COUNT) {
        abort();
    }
    (void)policy_is_home(policy, &ip);
    size_t count = policy_permit_sets(policy, &sets);
    for (size_t i = 0; i < count; i++) {
        if (sets[i].name[0] == '\0' || sets[i].permit_count > PERMITS_MAX) {
            abort();
        }
    }
    (void)policy_protected(policy, &protects);
    policy_unref(policy);
    return 0;
}
