// SPDX-License-Identifier: BSD-3-Clause
// stream.pml - one stream of a partition: what is dirty is framed, what is lost is repaired.
//
// Stands for: ha2/owner_stream.cpp, owner_answers.cpp, mirror_stream.cpp; PROTOCOL.md sections 5.2 to 5.4,
//   rules S1 to S7 and S9, invariants I1, I2, I3 and I9.
// Bound: 2 slots, each filled, emptied and filled again, with one change of each filling; 5 data frames, a
//   window of 3. The link is as bad as can be: whatever was sent, frame or status, may arrive at any later
//   time, in any order, any number of times, or never.
// Measured: 1,959,349 states, the whole of it.
// Not covered: bulk (bulk.pml), whether the stream goes on (window.pml), frames that are refused as
//   unsound, the 32 places of the reorder buffer, generations that wrap, window edges.
//
// claim nothing_forgotten: a slot that differs is dirty or in a frame not answered; so quiet means equal
// claim nothing_invented: what the mirror holds was once what the owner held
// claim nothing_goes_back: the mirror's slot only moves on
// claim status_in_range: a status passes nothing that was not sent, and leaves out nothing unanswered
//
// mutant no-repair -> nothing_forgotten: the slots of a lost frame are not marked (S5)
// mutant repair-by-patch -> nothing_forgotten: they are marked for a patch, not as wholes (S5)
// mutant status-not-absolute -> nothing_forgotten: a status tells only what the last one did not (S4)
// mutant sends-again -> nothing_goes_back: a lost frame's old bytes are sent once more (S2)
// mutant applies-late -> nothing_goes_back: a frame that was passed over is applied when it comes (S3)
// mutant applies-ahead -> nothing_forgotten: a gap is passed over and not declared lost (S3)
// mutant generation-stays -> nothing_invented: a slot keeps its generation when it is filled again (S6)
// mutant floor-too-high -> status_in_range: a frame's floor is its own seq (S7)
// mutant mark-lost-without-buffer -> nothing_forgotten: the mark goes although no frame does (S9)

#define SLOTS 2
// A slot's stages: 0 empty, 1 filled, 2 emptied, 3 filled again.
#define last_stage(s) ((s) == 0 -> 3 : 1)
#define VERSIONS 1
#define FRAMES 4
#define WINDOW 3

#define CLEAN 0
#define PATCH 1
#define WHOLE 2

#define is_full(stage) ((stage) % 2 == 1)
#ifdef MUTANT_GENERATION_STAYS
#define generation(stage) 1
#else
#define generation(stage) (((stage) + 1) / 2)
#endif

mtype = { filled, emptied, whole, patch }; // for printf alone

bool nothing_forgotten = true, nothing_invented = true, nothing_goes_back = true, status_in_range = true;

// The owner's table, its marks, and the highest version of each filling.
byte stage[SLOTS], version[SLOTS], mark[SLOTS], newest_version[SLOTS * 2];
byte next_seq = 1, answered = 0;

// What each frame says: at (seq - 1) * SLOTS + slot. Kinds as marks; CLEAN for nothing.
byte said_kind[FRAMES * SLOTS], said_stage[FRAMES * SLOTS], said_version[FRAMES * SLOTS];
byte said_floor[FRAMES + 1];
#define at(seq, slot) (((seq) - 1) * SLOTS + (slot))

// The link keeps all that was sent. A status is named by what it passes: STATUS and its lost bits.
#define STATUS 1
byte status_sent[FRAMES + 1];

// The mirror.
byte mirror_stage[SLOTS], mirror_version[SLOTS];
byte passed = 0, newest = 0, floor_seq = 1;
#ifdef MUTANT_STATUS_NOT_ABSOLUTE
byte reported = 0;
#endif
byte lost = 0; // bit seq; below the floor nothing is remembered (S7)
bool held[FRAMES + 1];

#define bit(seq) (1 << (seq))
#define is_same(s) (mirror_stage[s] == stage[s] && mirror_version[s] == version[s])
#define is_said(seq, s) (answered < (seq) && (seq) < next_seq && said_kind[at(seq, s)] != CLEAN)
#define is_in_flight(s) \
  (is_said(1, s) || is_said(2, s) || is_said(3, s) || is_said(4, s))
#define is_known(s) (is_same(s) || mark[s] != CLEAN || is_in_flight(s))

inline check_nothing_forgotten() {
  nothing_forgotten = is_known(0) && is_known(1);
  assert(nothing_forgotten)
}

// ---- owner --------------------------------------------------------------------------------------

inline change(s) {
  if
  :: stage[s] < last_stage(s) ->
     stage[s]++; version[s] = 0; mark[s] = WHOLE;
     printf("owner: slot %d is %e\n", s, (is_full(stage[s]) -> filled : emptied))
  :: is_full(stage[s]) && version[s] < VERSIONS ->
     version[s]++; newest_version[s * 2 + stage[s] / 2] = version[s];
     if
     :: mark[s] == CLEAN -> mark[s] = PATCH
     :: else
     fi;
     printf("owner: slot %d changes to version %d\n", s, version[s])
  fi
}

inline say(s) { // S1
  said_kind[at(next_seq, s)] = (is_full(stage[s]) -> mark[s] : WHOLE);
  mark[s] = CLEAN;
  said_stage[at(next_seq, s)] = stage[s];
  said_version[at(next_seq, s)] = version[s];
  printf("owner: frame %d says slot %d: %e stage %d version %d\n", next_seq, s,
         (said_kind[at(next_seq, s)] == PATCH -> patch : whole), stage[s], version[s])
}

inline put_on_link() {
#ifdef MUTANT_FLOOR_TOO_HIGH
  said_floor[next_seq] = next_seq;
#else
  said_floor[next_seq] = answered + 1;
#endif
  next_seq++
}

inline send() {
  if
  :: mark[0] != CLEAN -> say(0)
  :: mark[1] != CLEAN -> say(1)
  :: mark[0] != CLEAN && mark[1] != CLEAN -> say(0); say(1)
  fi;
  put_on_link()
}

inline repair(seq, s) {
  if
  :: said_kind[at(seq, s)] != CLEAN ->
#if defined(MUTANT_NO_REPAIR)
     skip
#elif defined(MUTANT_REPAIR_BY_PATCH)
     mark[s] = (mark[s] == CLEAN -> PATCH : mark[s])
#else
     mark[s] = WHOLE
#endif
  :: else
  fi
}

// What has no effect any more is made alike, for the sake of fewer states.
inline forget(seq) {
  status_sent[seq] = 0;
#ifndef MUTANT_APPLIES_LATE
  said_floor[seq] = 0;
  said_kind[at(seq, 0)] = 0; said_stage[at(seq, 0)] = 0; said_version[at(seq, 0)] = 0;
  said_kind[at(seq, 1)] = 0; said_stage[at(seq, 1)] = 0; said_version[at(seq, 1)] = 0
#endif
}

inline send_again(seq) {
#ifdef MUTANT_SENDS_AGAIN
  if
  :: next_seq <= FRAMES ->
     said_kind[at(next_seq, 0)] = said_kind[at(seq, 0)];
     said_stage[at(next_seq, 0)] = said_stage[at(seq, 0)];
     said_version[at(next_seq, 0)] = said_version[at(seq, 0)];
     said_kind[at(next_seq, 1)] = said_kind[at(seq, 1)];
     said_stage[at(next_seq, 1)] = said_stage[at(seq, 1)];
     said_version[at(next_seq, 1)] = said_version[at(seq, 1)];
     printf("owner: frame %d repeats frame %d\n", next_seq, seq);
     put_on_link()
  :: else
  fi
#else
  skip
#endif
}

inline take_status(told) {
  printf("owner: a status passes frame %d, lost bits %d\n", told, status_sent[told] - STATUS);
  lost_bits = status_sent[told];
  do
  :: answered < told ->
     if
     :: lost_bits & bit(answered + 1) ->
        repair(answered + 1, 0); repair(answered + 1, 1);
        send_again(answered + 1)
     :: else
     fi;
     answered++;
     forget(answered)
  :: else -> break
  od;
  lost_bits = 0;
  check_nothing_forgotten()
}

active proctype owner() {
  byte told, lost_bits;
end:
  do
  :: atomic { change(0) }
  :: atomic { change(1) }
  :: atomic {
       next_seq <= FRAMES && next_seq - 1 - answered < WINDOW && (mark[0] != CLEAN || mark[1] != CLEAN) ->
       send()
     }
#ifdef MUTANT_MARK_LOST_WITHOUT_BUFFER
  :: atomic { mark[0] != CLEAN -> mark[0] = CLEAN; printf("owner: no buffer\n"); check_nothing_forgotten() }
#endif
  :: atomic { // one that passes less than was answered is ignored
       if
       :: status_sent[1] -> told = 1
       :: status_sent[2] -> told = 2
       :: status_sent[3] -> told = 3
       :: status_sent[4] -> told = 4
       fi;
       take_status(told);
       told = 0
     }
  od
}

// ---- mirror -------------------------------------------------------------------------------------

inline apply_slot(seq, s) {
  if
  :: said_kind[at(seq, s)] == WHOLE ->
     nothing_goes_back = said_stage[at(seq, s)] * 4 + said_version[at(seq, s)] >=
                         mirror_stage[s] * 4 + mirror_version[s];
     assert(nothing_goes_back);
     mirror_stage[s] = said_stage[at(seq, s)];
     mirror_version[s] = said_version[at(seq, s)]
  :: said_kind[at(seq, s)] == PATCH && is_full(mirror_stage[s]) &&
     generation(mirror_stage[s]) == generation(said_stage[at(seq, s)]) -> // S6
     nothing_goes_back = said_version[at(seq, s)] >= mirror_version[s];
     assert(nothing_goes_back);
     mirror_version[s] = said_version[at(seq, s)]
  :: else
  fi;
  nothing_invented = mirror_stage[s] <= stage[s] &&
    (!is_full(mirror_stage[s]) || mirror_version[s] <= newest_version[s * 2 + mirror_stage[s] / 2]);
  assert(nothing_invented)
}

inline apply(seq) {
  printf("mirror: applies frame %d\n", seq);
  apply_slot(seq, 0); apply_slot(seq, 1)
}

inline apply_held() {
  do
  :: passed < FRAMES && held[passed + 1] -> passed++; held[passed] = false; apply(passed)
  :: else -> break
  od
}

inline take_floor(value) { // S7
  if
  :: value > floor_seq -> floor_seq = value; lost = lost & (255 << value)
  :: else
  fi
}

inline take_frame(seq) {
  take_floor(said_floor[seq]);
  if
  :: seq <= passed ->
#ifdef MUTANT_APPLIES_LATE
     apply(seq)
#else
     skip
#endif
  :: else ->
     newest = (seq > newest -> seq : newest);
#ifdef MUTANT_APPLIES_AHEAD
     passed = seq - 1;
#endif
     if
     :: seq == passed + 1 -> passed = seq; apply(seq); apply_held()
     :: else -> held[seq] = true; printf("mirror: holds frame %d\n", seq)
     fi;
     check_nothing_forgotten()
  fi
}

inline give_up() { // S3
  do
  :: passed < newest && !held[passed + 1] ->
     passed++; lost = lost | bit(passed);
     printf("mirror: declares frame %d lost\n", passed)
  :: else -> break
  od;
  apply_held();
  check_nothing_forgotten()
}

inline send_status() {
  status_in_range = passed < next_seq && floor_seq <= answered + 1;
  assert(status_in_range);
#ifdef MUTANT_STATUS_NOT_ABSOLUTE
  status_sent[passed] = STATUS | lost & (255 << (reported + 1));
  reported = passed;
#else
  status_sent[passed] = STATUS | lost;
#endif
  printf("mirror: sends a status that passes frame %d\n", passed)
}

active proctype mirror() {
  byte seq;
end:
  do
  :: atomic {
       if
       :: next_seq > 1 -> seq = 1
       :: next_seq > 2 -> seq = 2
       :: next_seq > 3 -> seq = 3
       :: next_seq > 4 -> seq = 4
       fi;
       take_frame(seq);
       seq = 0
     }
  :: atomic {
       newest < next_seq - 1 ->
       newest = next_seq - 1;
       take_floor(answered + 1);
       printf("mirror: a heartbeat tells of frame %d\n", newest)
     }
  :: atomic { newest > passed -> give_up() }
  :: atomic { passed > answered -> send_status() }
  od
}
