/* The symbolic logs that roster_replay plays: who and what has a name in them, and how the state is printed. */
#ifndef TESTS_PROPERTY_ROSTER_NAMES_H
#define TESTS_PROPERTY_ROSTER_NAMES_H

#include "tests/unit/room_kit.h"

enum { PERSONS = 4, DEVICES = 6 };

extern struct kit_person persons[PERSONS];
extern struct kit_room room;

/* Before all else. */
void names_make(void);
void names_release(void);
/* The verdict, and the room's state by its names. */
void print_state(const char *verdict);

#endif
