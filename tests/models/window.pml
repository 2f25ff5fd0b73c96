// SPDX-License-Identifier: BSD-3-Clause
// window.pml - a full window, lost tails and lost statuses: the stream never stands still.
//
// Stands for: ha2/owner_stream.cpp (poll, send_heartbeat_if_due), owner_answers.cpp (on_status),
//   mirror_stream.cpp (on_frame, give_up_gap, poll); PROTOCOL.md sections 5.2, 5.3 and 8.6, rules S4, S7 and S8.
// Bound: a window of 3; changes without end, or until they cease at any time; of data frames, of heartbeats
//   and of statuses up to 2 in a row are lost, for ever. Seqs are counted from what was answered, so runs
//   have no end.
// Assumed: who always can do something does it some day (weak fairness, pan -f), and the reorder time is
//   longer than the link's reordering: a gap is given up only for frames that will not come. (If it is
//   shorter nothing goes wrong, see stream.pml, but nothing may come through either.)
// Measured: 499,195 states, the whole of it, each visited about five times for fairness.
// Not covered: what frames say (stream.pml), the 32 places of the reorder buffer, the times themselves.
//
// claim never_stands_still: again and again a frame is applied and answered, or nothing is left to send
//
// mutant no-heartbeat -> never_stands_still: the loss of the last frame is never noticed (S8)
// mutant heartbeat-needs-window -> never_stands_still: nor is it when the window is full (S8)
// mutant heartbeat-asks-nothing -> never_stands_still: a lost status is not said again (S4, 5.2 item 4)
// mutant never-gives-up -> never_stands_still: what was lost is waited for (S3)
// mutant floor-too-high -> never_stands_still: a frame's floor is its own seq, so losses are forgotten (S7)
// mutant lost-keeps-its-place -> never_stands_still: a lost frame's window place is not free (S5)

#define WINDOW 3
#define LOST_IN_A_ROW 2

#define bit(seq) (1 << (seq))

// Owner. Seqs 1 to in_flight are sent and not answered; 0 is the last one answered.
bool waiting = false; // some change was not sent
byte in_flight = 0;
bool progress = false; // a frame has just been answered as applied

// Link: bit seq.
byte under_way = 0;
bool heartbeat = false;
byte heartbeat_seq = 0;
bool status = false;
byte status_passed = 0, status_floor = 0, status_lost = 0;

// Mirror.
byte passed = 0, newest = 0, held = 0, lost = 0;
byte floor_ahead = 0; // by how much its floor is above the lowest seq unanswered
bool wants_status = false;

ltl never_stands_still { []<> (progress || (!waiting && in_flight == 0)) }

active proctype traffic() {
  do
  :: atomic { !waiting -> waiting = true; printf("traffic: a change\n") }
  :: break
  od
}

// ---- owner --------------------------------------------------------------------------------------

#ifdef MUTANT_HEARTBEAT_NEEDS_WINDOW
#define may_beat (in_flight > 0 && in_flight < WINDOW)
#else
#define may_beat (in_flight > 0)
#endif

active proctype owner() {
end:
  do
  :: atomic {
       waiting && in_flight < WINDOW ->
       waiting = false;
       in_flight++;
       under_way = under_way | bit(in_flight);
       printf("owner: sends a frame, %d unanswered\n", in_flight)
     }
#ifndef MUTANT_NO_HEARTBEAT
  :: atomic {
       !(waiting && in_flight < WINDOW) && may_beat && !heartbeat ->
       heartbeat = true; heartbeat_seq = in_flight;
       printf("owner: heartbeat, %d unanswered\n", in_flight)
     }
#endif
  od
}

// Its seqs are counted from what is answered now.
inline count_from(told) {
  in_flight = in_flight - told;
  under_way = (under_way >> told) & ~1;
  held = held >> told;
  lost = (lost >> told) & ~1;
  passed = passed - told;
  newest = newest - told;
  heartbeat_seq = (heartbeat_seq > told -> heartbeat_seq - told : 0);
  floor_ahead = (floor_ahead > told -> floor_ahead - told : 0)
}

inline take_status() {
  if
  :: status_floor > 0 -> printf("owner: refuses a status that begins above its floor\n")
  :: else ->
     told = 0;
     do
     :: told < status_passed && (status_lost & bit(told + 1)) ->
#ifdef MUTANT_LOST_KEEPS_ITS_PLACE
        waiting = true;
        break
#else
        told++; waiting = true
#endif
     :: told < status_passed && !(status_lost & bit(told + 1)) -> told++; progress = true
     :: told == status_passed -> break
     od;
     count_from(told);
     printf("owner: a status passes %d, %d left unanswered\n", told, in_flight);
     told = 0
  fi
}

// ---- mirror -------------------------------------------------------------------------------------

inline take_floor(value) {
#ifdef MUTANT_FLOOR_TOO_HIGH
  floor_ahead = (value - 1 > floor_ahead -> value - 1 : floor_ahead)
#else
  skip // the lowest seq unanswered, or less
#endif
}

inline pass_held() {
  do
  :: held & bit(passed + 1) -> passed++; held = held & ~bit(passed)
  :: else -> break
  od
}

inline take_frame(seq) {
  if
#ifdef MUTANT_FLOOR_TOO_HIGH
  :: seq - 1 > passed -> printf("mirror: refuses a frame whose floor it has not passed\n")
#endif
  :: seq <= passed -> printf("mirror: drops frame %d, passed already\n", seq)
  :: else ->
     take_floor(seq);
     newest = (seq > newest -> seq : newest);
     held = held | bit(seq);
     pass_held();
     wants_status = wants_status || passed >= seq;
     printf("mirror: takes frame %d, has passed %d\n", seq, passed)
  fi
}

inline take_heartbeat(seq) {
  if
#ifdef MUTANT_FLOOR_TOO_HIGH
  :: seq > passed + 1 -> printf("mirror: refuses a heartbeat whose floor it has not passed\n")
#endif
  :: else ->
     take_floor(seq);
     newest = (seq > newest -> seq : newest);
#ifndef MUTANT_HEARTBEAT_ASKS_NOTHING
     wants_status = wants_status || seq <= passed;
#endif
     printf("mirror: a heartbeat tells of frame %d\n", seq)
  fi
}

#define will_come(seq) (under_way & bit(seq))

active proctype mirror() {
end:
  do
#ifndef MUTANT_NEVER_GIVES_UP
  :: atomic {
       newest > passed && !will_come(passed + 1) ->
       passed++;
       lost = lost | bit(passed);
       printf("mirror: declares frame %d lost\n", passed);
       pass_held();
       wants_status = true
     }
#endif
  :: atomic {
       wants_status -> // what was under way is overtaken
       wants_status = false;
       status = true; status_passed = passed; status_floor = floor_ahead; status_lost = lost;
       printf("mirror: a status passes %d\n", passed)
     }
  od
}

// ---- link ---------------------------------------------------------------------------------------

active proctype data_link() {
  byte lost_in_a_row = 0, seq;
end:
  do
  :: atomic {
       if
       :: under_way & bit(1) -> seq = 1
       :: under_way & bit(2) -> seq = 2
       :: under_way & bit(3) -> seq = 3
       fi;
       under_way = under_way & ~bit(seq);
       if
       :: lost_in_a_row = 0; take_frame(seq)
       :: lost_in_a_row < LOST_IN_A_ROW -> lost_in_a_row++; printf("link: loses frame %d\n", seq)
       fi;
       seq = 0
     }
  od
}

active proctype heartbeat_link() {
  byte lost_in_a_row = 0;
end:
  do
  :: atomic {
       heartbeat ->
       heartbeat = false;
       if
       :: lost_in_a_row = 0; take_heartbeat(heartbeat_seq)
       :: lost_in_a_row < LOST_IN_A_ROW -> lost_in_a_row++; printf("link: loses a heartbeat\n")
       fi;
       heartbeat_seq = 0
     }
  od
}

active proctype status_link() {
  byte lost_in_a_row = 0, told;
end:
  do
  :: atomic {
       status ->
       status = false;
       if
       :: lost_in_a_row = 0; take_status()
       :: lost_in_a_row < LOST_IN_A_ROW -> lost_in_a_row++; printf("link: loses a status\n")
       fi;
       status_passed = 0; status_floor = 0; status_lost = 0
     }
     progress = false // seen once by the claim
  od
}
