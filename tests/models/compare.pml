// SPDX-License-Identifier: BSD-3-Clause
// compare.pml - a stream whose mirror kept its tables: ranges are compared, and only what differs is said.
//
// Stands for: ha2/owner_verify.cpp (add_checks, try_add_check, take_verdicts, repair_range), range_checks.cpp,
//   owner_answers.cpp (answer_lost, doubt_section, finish_bulk_if_answered), owner_stream.cpp (start,
//   mark_in_flight); PROTOCOL.md sections 6 and 7.
// Bound: 3 slots in a range of two, which is split, and a range of one; each slot equal at first, or different
//   and known to be (dirty, or in a frame of the stream before that was not answered), or different unknown
//   to the owner; window edges, which no digest holds, behind by a frame of the stream before in one slot;
//   a change, 2 lost frames, a window of 2, a digest a frame; one walk, then single marks.
// From stream.pml: the mirror passes frames in rising seq, each applied or lost, and its statuses come
//   late but come to the owner in order. So the link is left out, and seqs are counted from what was answered.
// Digests are taken to differ whenever what they stand for does.
// Measured: 3,664,111 states, the whole of it.
// Not covered: the shares of link and core, rounds for verification and audit (the same code, begun when
//   bulk is done), edges that are behind in an image older than the stream before.
//
// claim done_means_told: when it is done, each slot was judged equal or stated whole in this stream
// claim nothing_invented: no patch is applied to a slot that was not told of in this stream
// claim nothing_forgotten: a slot that differs is dirty, in flight, walked, or in a range without its verdict
// claim no_false_alarm: a range is found to differ only if it held what the owner did not know
// claim never_stuck: while it is not done a frame can go or is not answered
//
// mutant digest-without-flush -> no_false_alarm: the digest is stated before what is dirty in its range
// mutant digest-despite-loss -> no_false_alarm: a range is judged although a frame before its digest was lost
// mutant done-with-open-digest -> done_means_told: done when every digest was stated, before the last verdict
// mutant done-while-owed -> done_means_told: done although what differed is not answered
// mutant forgets-lost-digest -> nothing_forgotten: a digest that was lost is not stated again
// mutant split-forgets-first -> nothing_forgotten: of a range that differs the first part is not asked for
// mutant different-is-equal -> nothing_forgotten: a verdict "different" is taken for "equal"
// mutant in-flight-forgotten -> nothing_forgotten: frames of the stream before count as arrived
// mutant patch-during-compare -> nothing_invented: a change is a patch although the comparison is not done
// mutant settled-by-nothing -> never_stuck: what was stated again stays owed

#define SLOTS 3
#define WINDOW 2
#define CHANGES 1
#define LOSSES 2

// What a slot holds: nothing, a session in version 1 or 2, or what the owner never said.
#define EMPTY 0
#define STRANGE 3

// Bits of what a frame says of a slot.
#define PATCH 1
#define WHOLE 2

// What a digest can be of. Bits: ranges that wait to be asked, or to be asked again.
#define BOTH 1 // slots 0 and 1
#define LAST 2 // slot 2
#define PART_0 4
#define PART_1 8
#define holds(range, s) ((s) == 2 -> (range) == LAST : ((range) == BOTH || (range) == ((s) == 0 -> PART_0 : PART_1)))
#define waits_for(s) (waiting & ((s) == 2 -> LAST : (BOTH | ((s) == 0 -> PART_0 : PART_1))))

mtype = { applied, lost_it, equal, different };

bool done_means_told = true, nothing_invented = true, nothing_forgotten = true, no_false_alarm = true,
     never_stuck = true;

// Owner. Slot 0 has a window edge; a whole carries it, no digest does.
byte slot[SLOTS];
byte mark[SLOTS]; // PATCH or WHOLE
bool owed[SLOTS];
byte waiting = BOTH | LAST;
byte repair_next = 0, repair_end = 0; // the walk
bool is_done = false;
byte changes_left = CHANGES, losses_left = LOSSES;

// Frames not answered, the oldest at 0.
byte sent = 0, passed = 0;
byte said[WINDOW * SLOTS], value[WINDOW * SLOTS];
byte digest[WINDOW]; // of which range; value[] holds what it stands for
bool is_doubtful[WINDOW];
bool states_owed[WINDOW], was_lost[WINDOW];
bool differs[WINDOW], had_unknown[WINDOW]; // the verdict, and whether there was a reason
#define at(frame, s) ((frame) * SLOTS + (s))

// Mirror.
byte mirror[SLOTS];
bool has_edge = true;
bool told[SLOTS], unknown[SLOTS];

#define is_walking (repair_next < repair_end)
#define is_ahead(s) (repair_next <= (s) && (s) < repair_end)
#define is_said_in(frame, s) (sent > (frame) && said[at(frame, s)] != 0)
#define is_in_flight(s) (is_said_in(0, s) || is_said_in(1, s))
#define is_asked(s) ((sent > 0 && holds(digest[0], s)) || (sent > 1 && holds(digest[1], s)))
#define is_dirty (mark[0] != 0 || mark[1] != 0 || mark[2] != 0)
#define is_known(s) \
  (mirror[s] == slot[s] || mark[s] != 0 || is_in_flight(s) || is_ahead(s) || waits_for(s) || is_asked(s))
#define owes_any (owed[0] || owed[1] || owed[2])
#define has_open_digest ((sent > 0 && digest[0] != 0) || (sent > 1 && digest[1] != 0))

inline check() {
  nothing_forgotten = is_known(0) && is_known(1) && is_known(2) &&
    (has_edge || (mark[0] & WHOLE) || is_in_flight(0) || is_ahead(0));
  assert(nothing_forgotten);
  never_stuck = is_done || sent > 0 || is_walking || is_dirty || waiting != 0;
  assert(never_stuck)
}

// ---- owner: frames ------------------------------------------------------------------------------

inline change(s) {
  changes_left--;
  if
  :: slot[s] == EMPTY -> slot[s] = 1; mark[s] = WHOLE; printf("owner: slot %d is filled\n", s)
  :: slot[s] != EMPTY -> slot[s] = EMPTY; mark[s] = WHOLE; printf("owner: slot %d is emptied\n", s)
  :: slot[s] != EMPTY ->
     slot[s] = 3 - slot[s]; mark[s] = mark[s] | PATCH;
     printf("owner: slot %d changes to %d\n", s, slot[s])
  fi
}

inline say_whole(s) {
  said[at(sent, s)] = WHOLE; value[at(sent, s)] = slot[s]; mark[s] = 0;
  states_owed[sent] = states_owed[sent] || owed[s];
  printf("owner: says slot %d whole: %d\n", s, slot[s])
}

#ifdef MUTANT_PATCH_DURING_COMPARE
#define says_wholes false
#else
#define says_wholes (!is_done)
#endif

inline say_changes() {
  for (s : 0 .. SLOTS - 1) {
    if
    :: mark[s] == 0
    :: mark[s] != 0 // no room
    :: mark[s] != 0 && (slot[s] == EMPTY || (mark[s] & WHOLE) || says_wholes) -> say_whole(s)
    :: mark[s] == PATCH && slot[s] != EMPTY && !says_wholes ->
       said[at(sent, s)] = PATCH; value[at(sent, s)] = slot[s]; mark[s] = 0;
       printf("owner: says slot %d by a patch: %d\n", s, slot[s])
    fi
  }
}

inline walk() {
  do
  :: is_walking ->
     say_whole(repair_next);
     repair_next++;
     if
     :: repair_next == repair_end -> repair_next = 0; repair_end = 0
     :: else
     fi
  :: break
  od
}

#define is_under_walk(range) \
  (is_walking && ((holds(range, 0) && is_ahead(0)) || (holds(range, 1) && is_ahead(1)) || \
                  (holds(range, 2) && is_ahead(2))))

inline add_digest() {
  waiting = waiting & ~range;
  for (s : 0 .. SLOTS - 1) {
    if
    :: holds(range, s) ->
       if
#ifndef MUTANT_DIGEST_WITHOUT_FLUSH
       :: mark[s] != 0 -> say_whole(s)
#endif
       :: else
       fi;
       value[at(sent, s)] = slot[s]
    :: else
    fi
  }
  digest[sent] = range;
  printf("owner: states the digest of range %d (1: slots 0 and 1, 2: slot 2, 4: slot 0, 8: slot 1)\n", range)
}

inline fill_frame() {
  say_changes();
  walk();
  if
  :: waiting & BOTH -> range = BOTH
  :: waiting & LAST -> range = LAST
  :: waiting & PART_0 -> range = PART_0
  :: waiting & PART_1 -> range = PART_1
  :: true // no room
  fi;
  if
  :: range != 0 && !is_under_walk(range) -> add_digest()
  :: else
  fi;
  range = 0; s = 0
}

inline send() {
  fill_frame();
  if
  :: digest[sent] || said[at(sent, 0)] || said[at(sent, 1)] || said[at(sent, 2)] ->
     sent++;
     printf("owner: that was a frame\n")
  :: else
  fi
}

// ---- owner: answers -----------------------------------------------------------------------------

inline owe(s) {
  owed[s] = true;
  mark[s] = WHOLE
}

inline repair_range(range) {
  if
  :: range == BOTH -> repair_end = 2; owed[0] = true; owed[1] = true // a walk
  :: range == LAST -> owe(2)
  :: range == PART_0 -> owe(0)
  :: range == PART_1 -> owe(1)
  fi
}

inline repair_lost() {
  for (s : 0 .. SLOTS - 1) {
    if
    :: said[at(0, s)] != 0 ->
       mark[s] = WHOLE; // and not owed: its range is told of, or will be
#ifndef MUTANT_DIGEST_DESPITE_LOSS
       is_doubtful[1] = is_doubtful[1] || holds(digest[1], s)
#endif
    :: else
    fi
  }
  s = 0
}

inline settle() {
#ifdef MUTANT_SETTLED_BY_NOTHING
  skip
#else
  for (s : 0 .. SLOTS - 1) {
    if
    :: said[at(0, s)] == WHOLE -> owed[s] = false
    :: else
    fi
  }
  s = 0
#endif
}

inline ask_in_parts(range) {
  if
  :: range == BOTH ->
#ifdef MUTANT_SPLIT_FORGETS_FIRST
     waiting = waiting | PART_1;
#else
     waiting = waiting | PART_0 | PART_1;
#endif
     printf("owner: asks for its parts\n")
  :: range == LAST -> owe(2)
  :: range == PART_0 -> owe(0)
  :: range == PART_1 -> owe(1)
  fi
}

inline take_verdict() {
  if
  :: digest[0] == 0
  :: digest[0] != 0 && (was_lost[0] || (differs[0] && is_doubtful[0])) ->
     printf("owner: range %d is asked again\n", digest[0]);
#ifdef MUTANT_FORGETS_LOST_DIGEST
     skip
#else
     if
     :: waiting = waiting | digest[0]
     :: !was_lost[0] -> ask_in_parts(digest[0]) // in doubt again and again
     fi
#endif
  :: digest[0] != 0 && !was_lost[0] && !differs[0] -> printf("owner: range %d is equal\n", digest[0])
  :: digest[0] != 0 && !was_lost[0] && differs[0] && !is_doubtful[0] ->
     printf("owner: range %d is different\n", digest[0]);
     no_false_alarm = had_unknown[0];
     assert(no_false_alarm);
#ifndef MUTANT_DIFFERENT_IS_EQUAL
     if
     :: repair_range(digest[0])
     :: digest[0] == BOTH -> ask_in_parts(digest[0])
     fi
#endif
  fi
}

inline forget_oldest() {
  said[at(0, 0)] = said[at(1, 0)]; said[at(0, 1)] = said[at(1, 1)]; said[at(0, 2)] = said[at(1, 2)];
  value[at(0, 0)] = value[at(1, 0)]; value[at(0, 1)] = value[at(1, 1)]; value[at(0, 2)] = value[at(1, 2)];
  said[at(1, 0)] = 0; said[at(1, 1)] = 0; said[at(1, 2)] = 0;
  value[at(1, 0)] = 0; value[at(1, 1)] = 0; value[at(1, 2)] = 0;
  digest[0] = digest[1]; digest[1] = 0;
  is_doubtful[0] = is_doubtful[1]; is_doubtful[1] = false;
  states_owed[0] = states_owed[1]; states_owed[1] = false;
  was_lost[0] = was_lost[1]; was_lost[1] = false;
  differs[0] = differs[1]; differs[1] = false;
  had_unknown[0] = had_unknown[1]; had_unknown[1] = false;
  sent--;
  passed--
}

#ifdef MUTANT_DONE_WITH_OPEN_DIGEST
#define is_compare_over (waiting == 0)
#else
#define is_compare_over (waiting == 0 && !has_open_digest)
#endif
#ifdef MUTANT_DONE_WHILE_OWED
#define is_repaired true
#else
#define is_repaired (!owes_any && !is_walking)
#endif

inline finish_if_answered() {
  if
  :: !is_done && is_compare_over && is_repaired ->
     is_done = true;
     printf("owner: the comparison is done\n");
     done_means_told = told[0] && told[1] && told[2];
     assert(done_means_told)
  :: else
  fi
}

inline answer_oldest() {
  printf("owner: the oldest frame was %e\n", (was_lost[0] -> lost_it : applied));
  if
  :: was_lost[0] -> repair_lost()
  :: !was_lost[0] && states_owed[0] -> settle()
  :: else
  fi;
  take_verdict();
  forget_oldest();
  finish_if_answered();
  check()
}

// How the tables stand when the stream begins.
inline begin(s) {
  slot[s] = (s == 1 -> EMPTY : 1);
  mirror[s] = slot[s];
  if
  :: skip
  :: mirror[s] = STRANGE; unknown[s] = true
  :: mirror[s] = (s == 1 -> 1 : EMPTY); mark[s] = WHOLE // a change not sent, or not answered: mark_in_flight()
  :: s == 0 -> // in flight: patches of the edge and no more
     has_edge = false;
#ifndef MUTANT_IN_FLIGHT_FORGOTTEN
     mark[s] = WHOLE
#endif
  fi
}

active proctype owner() {
  byte s, range;
  atomic {
    for (s : 0 .. SLOTS - 1) {
      begin(s)
    }
    s = 0;
    printf("at first: slots %d %d %d, mirror %d %d %d, its edge is there: %d\n",
           slot[0], slot[1], slot[2], mirror[0], mirror[1], mirror[2], has_edge);
    check()
  }
end:
  do
  :: atomic { changes_left > 0 -> select(s : 0 .. SLOTS - 1); change(s); s = 0 }
  :: atomic { sent < WINDOW && (is_walking || is_dirty || waiting != 0) -> send(); check() }
  :: atomic { // more changes there than frames hold: give_up_next()
       waiting & BOTH ->
       waiting = waiting & ~BOTH;
       repair_end = 2; owed[0] = true; owed[1] = true;
       printf("owner: gives up to compare slots 0 and 1\n");
       check()
     }
  :: atomic { passed > 0 -> answer_oldest() }
  od
}

// ---- mirror -------------------------------------------------------------------------------------

inline apply() {
  for (s : 0 .. SLOTS - 1) {
    if
    :: said[at(passed, s)] == WHOLE ->
       mirror[s] = value[at(passed, s)]; told[s] = true; unknown[s] = false;
       has_edge = has_edge || s == 0
    :: said[at(passed, s)] == PATCH && mirror[s] != EMPTY ->
       nothing_invented = told[s];
       assert(nothing_invented);
       mirror[s] = value[at(passed, s)]
    :: else
    fi
  }
}

inline judge() {
  for (s : 0 .. SLOTS - 1) {
    if
    :: holds(digest[passed], s) ->
       differs[passed] = differs[passed] || mirror[s] != value[at(passed, s)];
       had_unknown[passed] = had_unknown[passed] || unknown[s]
    :: else
    fi
  }
  for (s : 0 .. SLOTS - 1) {
    told[s] = told[s] || (holds(digest[passed], s) && !differs[passed])
  }
  if
  :: digest[passed] != 0 ->
     printf("mirror: finds range %d %e\n", digest[passed], (differs[passed] -> different : equal))
  :: else
  fi
}

active proctype mirror_box() {
  byte s;
end:
  do
  :: atomic {
       passed < sent ->
       printf("mirror: applies the next frame\n");
       apply();
       judge();
       s = 0;
       passed++;
       check()
     }
  :: atomic {
       passed < sent && losses_left > 0 ->
       losses_left--;
       printf("mirror: declares the next frame lost\n");
       was_lost[passed] = true;
       passed++
     }
  od
}
