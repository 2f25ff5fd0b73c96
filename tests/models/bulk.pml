// SPDX-License-Identifier: BSD-3-Clause
// bulk.pml - the walk over all slots: when it is done, the mirror holds nothing of an earlier stream.
//
// Stands for: ha2/owner_records.cpp (walk_on, add_walk, add_slot), owner_answers.cpp (answer_lost,
//   repair_section, settle_section, finish_bulk_if_answered); PROTOCOL.md section 6, rule S12 and the table
//   behind section 5.4.
// Bound: 3 slots, empty or filled at first, the mirror's all with leftovers of an earlier stream; 2
//   changes, 2 lost frames, a window of 2; one walk for lost runs, then single marks.
// From stream.pml: the mirror passes frames in rising seq, each applied or lost, and its statuses come
//   late but come to the owner in order. So the link is left out, and seqs are counted from what was answered.
// The mirror's leftovers have the generation of the slot's present session, the worst case for patches.
// Measured: 2,836,311 states, the whole of it.
// Not covered: that a walk gets on beside live changes (S10), the second table, runs above 4096 slots.
//
// claim done_means_stated: when bulk is done, each slot of the mirror was stated in this stream
// claim nothing_invented: no patch is applied to what an earlier stream has left
// claim nothing_forgotten: a slot that differs is dirty, in flight, or ahead of a walk
// claim never_stuck: while bulk is not done something is dirty, in flight or walked, so a frame will go
//
// mutant bulk-done-unanswered -> done_means_stated: done when all was sent, before it was answered (S12)
// mutant bulk-done-while-owed -> done_means_stated: done although a repair is owed (S12)
// mutant only-the-walk-owes -> done_means_stated: a loss owes nothing once the walk has ended, though the
//   frame was sent before (S12)
// mutant runs-are-not-owed -> done_means_stated: a lost run is walked again, but nobody waits for it (S12)
// mutant repair-forgets-runs -> nothing_forgotten: a lost run of empty slots is not repaired
// mutant bulk-leaves-out-empty -> nothing_forgotten: the walk passes over empty slots (S12)
// mutant start-keeps-walk -> nothing_forgotten: a new stream begins where the last one's walk ended
// mutant patch-during-bulk -> nothing_invented: a change is a patch although bulk is not done (S12)
// mutant settled-by-nothing -> never_stuck: what was stated again stays owed

#define SLOTS 3
#define WINDOW 2
#define CHANGES 2
#define LOSSES 2

// What a slot holds: nothing, a session in version 1 or 2, or one of an earlier stream.
#define EMPTY 0
#define LEFTOVER 3

// Bits of what a frame says of a slot.
#define PATCH 1
#define WHOLE 2
#define RUN 4 // within a run of empty slots

mtype = { empties, fills, applied, lost_it };

bool done_means_stated = true, nothing_invented = true, nothing_forgotten = true, never_stuck = true;

// Owner.
byte slot[SLOTS];
byte mark[SLOTS]; // PATCH or WHOLE
bool owed[SLOTS];
byte walk_next = 0, repair_next = 0, repair_end = 0;
bool has_bulk_end = false, is_bulk_done = false;
byte bulk_end = 0; // frames to be answered until then
byte changes_left = CHANGES, losses_left = LOSSES;

// Frames not answered, the oldest at 0: what each says, and of those passed whether they were lost.
byte sent = 0, passed = 0;
byte said[WINDOW * SLOTS], value[WINDOW * SLOTS];
bool states_owed[WINDOW], was_lost[WINDOW];
#define at(frame, s) ((frame) * SLOTS + (s))

// Mirror.
byte mirror[SLOTS];
bool stated[SLOTS]; // whole, in this stream

#define is_walking (walk_next < SLOTS || repair_next < repair_end)
#define is_ahead(s) (walk_next <= (s) || (repair_next <= (s) && (s) < repair_end))
#define is_in_flight(s) ((sent > 0 && said[at(0, s)] != 0) || (sent > 1 && said[at(1, s)] != 0))
#define is_known(s) (mirror[s] == slot[s] || mark[s] != 0 || is_in_flight(s) || is_ahead(s))
#define owes_any (owed[0] || owed[1] || owed[2])

inline check() {
  nothing_forgotten = is_known(0) && is_known(1) && is_known(2);
  assert(nothing_forgotten);
  never_stuck = is_bulk_done || sent > 0 || is_walking || mark[0] != 0 || mark[1] != 0 || mark[2] != 0;
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

inline say(s, kind) {
  said[at(sent, s)] = said[at(sent, s)] | kind;
  value[at(sent, s)] = slot[s]
}

#ifdef MUTANT_PATCH_DURING_BULK
#define says_wholes false
#else
#define says_wholes (!is_bulk_done)
#endif

// S1, and add_slot(): until bulk is done always the whole.
inline say_change(s) {
  if
  :: mark[s] != 0 ->
     if
     :: slot[s] == EMPTY || (mark[s] & WHOLE) || says_wholes ->
        say(s, WHOLE);
        states_owed[sent] = states_owed[sent] || owed[s];
        printf("owner: says slot %d whole: %d\n", s, slot[s])
     :: else -> say(s, PATCH); printf("owner: says slot %d by a patch: %d\n", s, slot[s])
     fi;
     mark[s] = 0
  :: mark[s] != 0 // no room
  :: mark[s] == 0
  fi
}

inline walk_slot(s) {
  if
  :: slot[s] == EMPTY -> // the marks stay
#ifndef MUTANT_BULK_LEAVES_OUT_EMPTY
     say(s, RUN);
     states_owed[sent] = states_owed[sent] || owes_any;
#endif
     printf("owner: walks over slot %d, empty\n", s)
  :: else ->
     say(s, WHOLE);
     states_owed[sent] = states_owed[sent] || owed[s];
     mark[s] = 0;
     printf("owner: walks over slot %d: %d\n", s, slot[s])
  fi
}

inline fill_frame() {
  say_change(0); say_change(1); say_change(2);
  do
  :: walk_next < SLOTS -> walk_slot(walk_next); walk_next++
  :: walk_next == SLOTS && repair_next < repair_end -> // the walk of the bulk comes first
     walk_slot(repair_next);
     repair_next++;
     if
     :: repair_next == repair_end -> repair_next = 0; repair_end = 0
     :: else
     fi
  :: break // no more room, or nothing left
  od
}

inline send() {
  fill_frame();
  if
  :: said[at(sent, 0)] || said[at(sent, 1)] || said[at(sent, 2)] ->
     sent++;
     printf("owner: that was a frame\n");
     if
     :: !is_bulk_done && !has_bulk_end && !is_walking ->
        has_bulk_end = true; bulk_end = sent;
        printf("owner: the walk ends with it\n")
     :: else
     fi
  :: else
  fi
}

// ---- owner: answers -----------------------------------------------------------------------------

// The frame at 0 was sent after the end of the walk: what it says anew the bulk does not wait for.
#ifdef MUTANT_ONLY_THE_WALK_OWES
#define is_late has_bulk_end
#else
#define is_late (has_bulk_end && bulk_end == 0)
#endif

inline owe(s) {
  owed[s] = owed[s] || !is_late;
  mark[s] = WHOLE
}

// What the oldest frame said of slots from `s` on in one run, walked again if there is a walk free.
inline repair_run(s) {
  end_of_run = s;
  do
  :: end_of_run < SLOTS && (said[at(0, end_of_run)] & RUN) -> end_of_run++
  :: else -> break
  od;
#ifndef MUTANT_REPAIR_FORGETS_RUNS
  if
  :: repair_end == 0 ->
     repair_next = s; repair_end = end_of_run;
#ifndef MUTANT_RUNS_ARE_NOT_OWED
     do
     :: s < end_of_run -> owed[s] = true; s++
     :: else -> break
     od
#endif
  :: else ->
     do
     :: s < end_of_run -> owe(s); s++
     :: else -> break
     od
  fi;
#endif
  s = end_of_run;
  end_of_run = 0
}

inline answer_lost() {
  s = 0;
  do
  :: s < SLOTS ->
     if
     :: said[at(0, s)] & (WHOLE | PATCH) -> owe(s)
     :: else
     fi;
     s++
  :: else -> break
  od;
  s = 0;
  do
  :: s < SLOTS && (said[at(0, s)] & RUN) -> repair_run(s)
  :: s < SLOTS && !(said[at(0, s)] & RUN) -> s++
  :: s == SLOTS -> break
  od;
  s = 0
}

inline settle(s) {
#ifdef MUTANT_SETTLED_BY_NOTHING
  skip
#else
  if
  :: said[at(0, s)] & (WHOLE | RUN) -> owed[s] = false
  :: else
  fi
#endif
}

inline answer_applied() {
  if
  :: states_owed[0] -> settle(0); settle(1); settle(2)
  :: else
  fi
}

inline forget_oldest() {
  said[at(0, 0)] = said[at(1, 0)]; said[at(0, 1)] = said[at(1, 1)]; said[at(0, 2)] = said[at(1, 2)];
  value[at(0, 0)] = value[at(1, 0)]; value[at(0, 1)] = value[at(1, 1)]; value[at(0, 2)] = value[at(1, 2)];
  said[at(1, 0)] = 0; said[at(1, 1)] = 0; said[at(1, 2)] = 0;
  value[at(1, 0)] = 0; value[at(1, 1)] = 0; value[at(1, 2)] = 0;
  states_owed[0] = states_owed[1]; states_owed[1] = false;
  was_lost[0] = was_lost[1]; was_lost[1] = false;
  sent--;
  passed--;
  bulk_end = (bulk_end > 0 -> bulk_end - 1 : 0)
}

#ifdef MUTANT_BULK_DONE_UNANSWERED
#define is_end_answered true
#else
#define is_end_answered (bulk_end == 0)
#endif
#ifdef MUTANT_BULK_DONE_WHILE_OWED
#define is_repaired true
#else
#define is_repaired (!owes_any && !is_walking)
#endif

inline finish_bulk_if_answered() {
  if
  :: !is_bulk_done && has_bulk_end && is_end_answered && is_repaired ->
     is_bulk_done = true;
     has_bulk_end = false; bulk_end = 0;
     printf("owner: bulk is done\n");
     done_means_stated = stated[0] && stated[1] && stated[2];
     assert(done_means_stated)
  :: else
  fi
}

inline answer_oldest() {
  printf("owner: the oldest frame was %e\n", (was_lost[0] -> lost_it : applied));
  if
  :: was_lost[0] -> answer_lost()
  :: else -> answer_applied()
  fi;
  forget_oldest();
  finish_bulk_if_answered();
  check()
}

active proctype owner() {
  byte s, end_of_run;
  atomic { // what there is at the beginning
    do
    :: s < SLOTS ->
       if
       :: slot[s] = EMPTY
       :: slot[s] = 1
       fi;
       mirror[s] = LEFTOVER;
       s++
    :: else -> break
    od;
    s = 0;
    printf("at first: slots %d %d %d, mirror %d %d %d\n", slot[0], slot[1], slot[2], mirror[0], mirror[1], mirror[2]);
#ifdef MUTANT_START_KEEPS_WALK
    walk_next = SLOTS;
    check()
#endif
  }
end:
  do
  :: atomic { changes_left > 0 -> change(0) }
  :: atomic { changes_left > 0 -> change(1) }
  :: atomic { changes_left > 0 -> change(2) }
  :: atomic { sent < WINDOW && (is_walking || mark[0] != 0 || mark[1] != 0 || mark[2] != 0) -> send(); check() }
  :: atomic { passed > 0 -> answer_oldest() }
  od
}

// ---- mirror -------------------------------------------------------------------------------------

inline apply_slot(s) {
  if
  :: said[at(passed, s)] & (WHOLE | RUN) -> mirror[s] = value[at(passed, s)]; stated[s] = true
  :: (said[at(passed, s)] == PATCH) && mirror[s] != EMPTY ->
     nothing_invented = mirror[s] != LEFTOVER;
     assert(nothing_invented);
     mirror[s] = value[at(passed, s)]
  :: else
  fi
}

active proctype mirror_box() {
end:
  do
  :: atomic {
       passed < sent ->
       printf("mirror: applies the next frame\n");
       apply_slot(0); apply_slot(1); apply_slot(2);
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
