// SPDX-License-Identifier: BSD-3-Clause
// orders.pml - orders of the control thread to the workers: two places, given only when all have followed.
//
// Stands for: dataplane/orders.hpp (try_give, try_read, follow, are_all_followed), worker.cpp
//   (follow_orders), control.cpp (give_orders, is_mirror_complete).
// Bound: 2 workers, 4 orders; an assignment has two words, which are written and read one by one.
// Measured: 886 states, the whole of it.
// A step is one load or store, in any interleaving. Not covered: orders of memory weaker than that (the
//   releases and acquires in the header are taken at their word), the flags beside the orders.
//
// claim never_torn: what a worker carries out is the order whose number it has read, whole
// claim none_skipped: every worker carries out every order, in turn
// claim figures_of_the_order: when all have followed, the workers' figures are those of the last order
//
// mutant gives-early -> none_skipped: an order is given before all have followed the last
// mutant number-before-place -> never_torn: the number is stored before the order is in its place
// mutant skips-the-slow -> none_skipped: only the first worker is waited for
// mutant follows-before-carried-out -> figures_of_the_order: a worker acknowledges what it has only read

#define WORKERS 2
#define ORDERS 4

bool never_torn = true, none_skipped = true, figures_of_the_order = true;

byte place[4]; // two places of two words
byte number = 0;
byte followed[WORKERS];
byte published[WORKERS]; // figures: which order they are of

#define first_word(n) place[((n) % 2) * 2]
#define second_word(n) place[((n) % 2) * 2 + 1]

#if defined(MUTANT_GIVES_EARLY)
#define are_all_followed true
#elif defined(MUTANT_SKIPS_THE_SLOW)
#define are_all_followed (followed[0] == number)
#else
#define are_all_followed (followed[0] == number && followed[1] == number)
#endif

active proctype control() {
  byte given = 0;
  do
  :: given < ORDERS && are_all_followed ->
     figures_of_the_order = published[0] == number || followed[0] != number;
     assert(figures_of_the_order);
     given++;
#ifdef MUTANT_NUMBER_BEFORE_PLACE
     number = given;
     first_word(given) = given;
     second_word(given) = given;
#else
     first_word(given) = given;
     second_word(given) = given;
     atomic { number = given; printf("control: gives order %d\n", given) }
#endif
  :: given == ORDERS && are_all_followed -> break
  od
}

active [WORKERS] proctype worker() {
  byte me = _pid - 1, wanted, first, second, last = 0;
end:
  do
  :: wanted = number;
     if
     :: wanted == followed[me] // nothing new
     :: else ->
        first = first_word(wanted);
        second = second_word(wanted);
#ifdef MUTANT_FOLLOWS_BEFORE_CARRIED_OUT
        followed[me] = number;
#endif
        atomic {
          printf("worker %d: carries out order %d\n", me, first);
          never_torn = first == wanted && second == wanted;
          assert(never_torn);
          none_skipped = first == last + 1;
          assert(none_skipped);
          last = first
        }
        published[me] = first;
#ifndef MUTANT_FOLLOWS_BEFORE_CARRIED_OUT
        followed[me] = number;
#endif
        first = 0; second = 0
     fi;
     wanted = 0
  od
}
