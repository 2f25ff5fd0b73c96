// SPDX-License-Identifier: BSD-3-Clause
// handover.pml - packets handed to another core: the ring that any core fills and one empties.
//
// Stands for: dataplane/handoff_ring.hpp, its try_put() and take(), and beneath it DPDK 22.11's ring with
//   many producers and one consumer (rte_ring_elem_pvt.h, rte_ring_c11_pvt.h) as the header uses it.
// Bound: 2 producers of 3 packets each, a ring of 4 places that holds 3 packets at once as DPDK's does (one
//   place stays free), bursts of up to 2 taken; heads and tails rise without wrapping.
// Measured: 191,702 states, the whole of it.
// A step is one load, store or compare-and-swap, in any interleaving. Not covered: orders of memory
//   weaker than that (x86 has none between these), the wrap of 32 bits.
//
// claim taken_as_put: what is taken was put, and is taken once, each producer's packets in their order
// claim never_overwritten: a place is written only when what it held was taken
// claim none_lost: at the end each packet was taken, or dropped by its producer because the ring was full
//
// mutant published-before-written -> taken_as_put: the tail moves on before the packet is in its place
// mutant tail-out-of-order -> taken_as_put: a producer does not wait for those before it
// mutant head-without-swap -> never_overwritten: the head is stored, not swapped: two producers get one place
// mutant full-is-not-seen -> never_overwritten: the consumer's tail is not looked at
// mutant frees-before-reading -> never_overwritten: the consumer gives a burst's places back, then reads them
// mutant burst-forgets-one -> none_lost: the consumer passes two places and takes what is in one

#define PRODUCERS 2
#define PACKETS 3 // of each
#define PLACES 4
#define ROOM (PLACES - 1)
#define BURST 2

bool taken_as_put = true, never_overwritten = true, none_lost = true;

byte place[PLACES]; // 0, or a packet's number
byte put_head = 0, put_tail = 0, take_tail = 0;
byte done = 0; // producers that have ended

// What became of each packet.
#define NOT_YET 0
#define IN_RING 1
#define TAKEN 2
#define DROPPED 3
byte fate[PRODUCERS * PACKETS + 1];
byte newest[PRODUCERS]; // taken

proctype producer(byte index) {
  byte packet, head, room, sent = 0;
  do
  :: sent < PACKETS ->
     packet = index * PACKETS + sent + 1;
     sent++;
     // __rte_ring_move_prod_head
again:
     head = put_head;
#ifdef MUTANT_FULL_IS_NOT_SEEN
     room = 1;
#else
     room = ROOM + take_tail - head;
#endif
     if
     :: room == 0 -> atomic { fate[packet] = DROPPED; printf("producer %d: drops packet %d\n", index, packet) }
     :: else ->
#ifdef MUTANT_HEAD_WITHOUT_SWAP
        put_head = head + 1;
#else
        if
        :: atomic { put_head == head -> put_head = head + 1 }
        :: atomic { put_head != head -> goto again }
        fi;
#endif
        fate[packet] = IN_RING;
#ifdef MUTANT_PUBLISHED_BEFORE_WRITTEN
        put_tail == head;
        put_tail = head + 1;
        place[head % PLACES] = packet;
#else
        atomic {
          never_overwritten = place[head % PLACES] == 0;
          assert(never_overwritten);
          place[head % PLACES] = packet;
          printf("producer %d: writes packet %d into place %d\n", index, packet, head % PLACES)
        }
        // __rte_ring_update_tail: those before this one first
#ifndef MUTANT_TAIL_OUT_OF_ORDER
        put_tail == head;
#endif
        atomic { put_tail = head + 1; printf("producer %d: publishes up to %d\n", index, head + 1) }
#endif
     fi;
     head = 0; room = 0; packet = 0
  :: else -> break
  od;
  done++
}

// Takes what the place holds.
inline read_place(index) {
  packet = place[(index) % PLACES];
  place[(index) % PLACES] = 0;
  whose = (packet - 1) / PACKETS;
  printf("consumer: takes packet %d\n", packet);
  taken_as_put = packet != 0 && fate[packet] == IN_RING && packet > newest[whose];
  assert(taken_as_put);
  fate[packet] = TAKEN;
  newest[whose] = packet;
  packet = 0; whose = 0
}

active proctype consumer() {
  byte packet, whose, at_hand, burst;
end:
  do
  :: put_tail > take_tail ->
     burst = (put_tail - take_tail >= BURST -> BURST : put_tail - take_tail);
     at_hand = take_tail;
#ifdef MUTANT_FREES_BEFORE_READING
     take_tail = take_tail + burst;
#endif
     do
     :: burst > 0 -> atomic { read_place(at_hand); at_hand++; burst-- }
     :: else -> break
     od;
#ifdef MUTANT_BURST_FORGETS_ONE
     if
     :: put_tail > at_hand -> place[at_hand % PLACES] = 0; at_hand++
     :: else
     fi;
#endif
#ifndef MUTANT_FREES_BEFORE_READING
     take_tail = at_hand;
#endif
     at_hand = 0
  :: done == PRODUCERS && put_tail == take_tail ->
     none_lost = (fate[1] >= TAKEN) && (fate[2] >= TAKEN) && (fate[3] >= TAKEN) && (fate[4] >= TAKEN) &&
       (fate[5] >= TAKEN) && (fate[6] >= TAKEN);
     assert(none_lost);
     break
  od
}

init {
  atomic { run producer(0); run producer(1) }
}
