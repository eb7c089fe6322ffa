/* Built without the console. */
#include "web/asset.h"

const struct asset asset_table[] = {{"/index.html", "text/plain", "\"none\"",
                                     (const unsigned char *)"", (const unsigned char *)"", 0,
                                     false}};
const size_t asset_count = 0;
