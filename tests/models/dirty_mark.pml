// SPDX-License-Identifier: BSD-3-Clause
// dirty_mark.pml - marks, the queue of what is marked, and the four places that take marks off.
//
// Stands for: tables/dirty_queue.hpp (push, pop), tables/slot_table.hpp (mark, take_marks), and their use in
//   ha2/owner_records.cpp (add_queued, add_walk) and owner_verify.cpp (try_add_check); rule S1.
// Bound: 2 slots, 3 changes each, frames of one record, in any order with walks and digest flushes.
// One core does both, so a change never comes between the steps of one call. The code relies on it: it takes
//   the slot off the queue last, and with a second core (a mutant) a change in between would be forgotten.
//   If the slot went first, S1's order alone would do even then (the variant), and without it not (a mutant);
//   there a mark and its place in the queue are taken to change as one, and marks to go by one exchange.
// Measured: 250 states, the whole of it.
// Not covered: ages, the refresh queue (the same class), the ring's wrap (tests/unit/test_dirty_queue.cpp).
//
// claim none_forgotten: a slot with a mark is in the queue, and one that was changed since it was said has a mark
// claim queue_is_bounded: a slot is in the queue at most once
//
// variant queue-first: two cores, the slot leaves the queue first, then its mark goes, then it is read
//
// mutant no-room-forgets -> none_forgotten: the marks are not put back when the frame has no room
// mutant pops-without-room -> none_forgotten: the slot leaves the queue although its record found no room
// mutant flush-pops -> queue_is_bounded: a digest's flush clears the bit of a slot that stays in the queue
// mutant two-cores -> none_forgotten: another core changes the slot in the middle of a call
// mutant reads-then-clears -> none_forgotten: two cores, queue first, but the slot is read before its mark goes

#if defined(MUTANT_TWO_CORES)
#define TWO_CORES
#endif
#if defined(VARIANT_QUEUE_FIRST) || defined(MUTANT_READS_THEN_CLEARS)
#define TWO_CORES
#define QUEUE_FIRST
#endif

#define SLOTS 2
#define CHANGES 3

bool none_forgotten = true, queue_is_bounded = true;

byte value[SLOTS], said[SLOTS]; // the newest, and the one that a frame told last
bool mark[SLOTS], queued[SLOTS];
byte in_queue[SLOTS]; // how often
chan queue = [4] of { byte };

inline push(s) {
  if
  :: queued[s]
  :: else -> queued[s] = true; queue!s; in_queue[s]++
  fi
}

inline pop(s) {
  atomic { queue?s; queued[s] = false; in_queue[s]-- }
}

inline leave_queue(s) {
#ifdef QUEUE_FIRST
  skip
#else
  pop(s)
#endif
}

// Between the calls of one core.
inline check() {
  queue_is_bounded = in_queue[0] <= 1 && in_queue[1] <= 1;
  assert(queue_is_bounded);
  none_forgotten = (!mark[0] || queued[0]) && (!mark[1] || queued[1]) &&
    (value[0] == said[0] || mark[0]) && (value[1] == said[1] || mark[1]);
  assert(none_forgotten)
}

// ---- what changes slots: the packet path --------------------------------------------------------

inline change(s) {
  value[s]++;
  atomic { // mark()
    mark[s] = true;
    push(s);
    printf("packets: slot %d changes to %d\n", s, value[s])
  }
}

// ---- what says them: OwnerStream ----------------------------------------------------------------

// add_queued(): the oldest of the queue.
inline say_queued() {
  queue?<s>; // peek(0)
#ifdef QUEUE_FIRST
  pop(s);
#endif
#ifdef MUTANT_READS_THEN_CLEARS
  seen = value[s];
  atomic { had_mark = mark[s]; mark[s] = false }
#else
  atomic { had_mark = mark[s]; mark[s] = false } // take_marks()
  seen = value[s];
#endif
  if
  :: !had_mark -> // a walk or a digest was here before
     leave_queue(s)
  :: had_mark -> // there is room
     said[s] = seen;
     printf("owner: says slot %d: %d\n", s, seen);
     leave_queue(s)
#ifndef TWO_CORES
  :: had_mark -> // no room
     printf("owner: no room for slot %d\n", s);
#ifndef MUTANT_NO_ROOM_FORGETS
     mark[s] = true;
#endif
#ifdef MUTANT_POPS_WITHOUT_ROOM
     pop(s)
#else
     skip
#endif
#endif
  fi;
  s = 0; seen = 0; had_mark = false
}

// add_walk() and try_add_check(): any slot, which stays where it is in the queue.
inline say_slot(t) {
  if
  :: mark[t] ->
     mark[t] = false;
     said[t] = value[t];
#ifdef MUTANT_FLUSH_POPS
     queued[t] = false;
#endif
     printf("owner: says slot %d in a walk or before a digest: %d\n", t, value[t])
  :: mark[t] -> // no room: put back
     mark[t] = false;
     mark[t] = true;
     printf("owner: no room for slot %d\n", t)
  fi
}

#ifdef TWO_CORES

byte busy = 0; // who is in a call: what holds is asked between calls alone
#define enter busy++
#define leave atomic { busy--; if :: busy == 0 -> check() :: else fi }

active proctype packets() {
end:
  do
  :: value[0] < CHANGES -> enter; change(0); leave
  :: value[1] < CHANGES -> enter; change(1); leave
  od
}

active proctype owner() {
  byte s, seen;
  bool had_mark;
end:
  do
  :: atomic { nempty(queue) -> enter }
     say_queued();
     leave
  od
}

#else

active proctype core() {
  byte s, seen;
  bool had_mark;
end:
  do
  :: atomic { value[0] < CHANGES -> change(0); check() }
  :: atomic { value[1] < CHANGES -> change(1); check() }
  :: atomic { nempty(queue) -> say_queued(); check() }
  :: atomic { mark[0] -> say_slot(0); check() }
  :: atomic { mark[1] -> say_slot(1); check() }
  od
}

#endif
