/* An address means a machine only within its site.  Sites of which the policy says that their
 * addresses are their own have one of these names each; all other switches together are the site
 * "default".  "" is: not known which. */
#ifndef CORDON_MODEL_SITE_H
#define CORDON_MODEL_SITE_H

#define SITE_DEFAULT "default"

#endif
