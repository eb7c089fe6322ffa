/* A folder of the test's own below /tmp, taken away afterwards with all that is in it. */
#ifndef CORDON_TESTS_BUS_FOLDER_H
#define CORDON_TESTS_BUS_FOLDER_H

#define FOLDER_SIZE 64

void folder_make(char folder[FOLDER_SIZE]);
void folder_remove(const char *folder);

#endif
