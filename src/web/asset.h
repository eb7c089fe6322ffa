/* The console's files: built by console/embed.mjs, compressed, in the program itself.  Nothing is
 * read from disk, so nothing on disk can be served by mistake. */
#ifndef CORDON_WEB_ASSET_H
#define CORDON_WEB_ASSET_H

#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>

struct asset {
    const char *path; /* "/index.html" */
    const char *media;
    const char *etag; /* with its quotes */
    const unsigned char *gzip, *gzip_end;
    size_t plain_size;
    bool is_immutable; /* the name holds a hash of the content */
};

/* Empty where Cordon was built without the console. */
extern const struct asset asset_table[];
extern const size_t asset_count;

/* "/" is the console's page.  NULL: no such file. */
const struct asset *asset_find(const char *path);
/* Answers a GET or HEAD with the file: 304 where the browser has it, plain where it takes no gzip.
 */
void asset_reply(struct evhttp_request *request, const struct asset *asset);

#endif
