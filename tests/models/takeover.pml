// SPDX-License-Identifier: BSD-3-Clause
// takeover.pml - two boxes, two paths: who is active, under which term, and whose frames count.
//
// Stands for: ha2/pair_hello.cpp (on_hello, settle_session), pair.cpp (on_keepalive, decide), ha2/replica.cpp (assume,
//   on_frame); PROTOCOL.md sections 5.1 and 8.2 to 8.5, invariant I5.
// Time: rounds of one keepalive interval, in which box 0 and then box 1 has its turn; what they say to each
//   other in one round may cross. A path is silent after 3 turns of the box itself, so its own pauses cost
//   the peer nothing; the boot hold is 4 turns, its quarter 1. Box 0 is the better one.
// Bound: 3 faults out of: cutting or joining paths (either path, or all, in either or both directions), a
//   restart (up to 3 lives a box), a pause of any length, leaving on purpose, a refusal or its end, and a
//   keepalive, hello or data frame that comes a second time at any later moment. Then calm.
// Measured: 4,095,631 states, the whole of it.
// A keepalive of a life that is over is ignored by the code and counts here unless lost: the model allows more.
// Not covered: which box goes first at a start because it kept its tables, the last term, two boxes of one id,
//   loops, workers that hang, the last 50 ms of a leaving box, orders that are not followed at once
//   (orders.pml), what the streams say (stream.pml).
//
// claim one_owner_per_name: under one session and term no two boxes own, nor have applied each other's data
// claim older_changes_nothing: data is applied only under the newest name that the box has known
// claim names_only_rise: no name of a stream is begun twice in one role, nor one older than the last
// claim silent_on_every_path: a box takes over from a silent peer only if both paths are silent
// claim yields_to_no_lower_term: an active box gives way only to one that has said a term as high or higher
// claim one_active_after_faults: 9 rounds after the last fault one box is active, for good
// claim paired_after_faults: and the other mirrors its stream
//
// mutant accepts-old-term -> older_changes_nothing: the term of a frame is not looked at
// mutant accepts-old-session -> older_changes_nothing: nor is its session
// mutant term-stays -> names_only_rise: a box that becomes active keeps its term
// mutant begins-known-stream-anew -> names_only_rise: a stream that was interrupted begins at seq 1 again
// mutant believes-any-hello -> names_only_rise: a new life of the peer is believed without the nonce
// mutant ha2-silence-is-death -> silent_on_every_path: the peer is dead when HA2 is silent
// mutant term-of-a-dead-life -> yields_to_no_lower_term: the peer's term is the highest of all its lives
// mutant follows-a-lower-term -> paired_after_faults: a passive box stays so beside an active one of a lower term
// mutant owns-before-the-other-yields -> one_owner_per_name: an owner does not wait until its peer is passive
// mutant nobody-yields -> one_active_after_faults: an active box stays so, whatever the other's term
// mutant waits-for-the-worse -> one_active_after_faults: two passive boxes wait for each other

#define HA2 0
#define HA1 1
#define SILENCE 3
#define BOOT_HOLD 4
#define BOOT_QUARTER 1
#define LIVES 3
#ifndef FAULTS
#define FAULTS 3
#endif
#define CALM 9

mtype = { Initial, Active, Passive, keepalive, hello, data, nothing };

bool one_owner_per_name = true, older_changes_nothing = true, names_only_rise = true,
     silent_on_every_path = true, yields_to_no_lower_term = true, one_active_after_faults = true,
     paired_after_faults = true;

// Pair, of each box.
byte life[2]; // its boot id, from 1
mtype role[2];
byte term[2], started[2]; // turns since it started
byte silent[4]; // turns since the last sign of life, by box and path
bool leaving[2], refuses[2];
byte nonce[2];
// What it holds of its peer.
byte believed[2], candidate[2], speaker[2], peer_term[2], peer_nonce[2];
mtype peer_role[2];
bool knows_me[2], peer_leaving[2], peer_refuses[2];
byte said_term[2]; // for the claim alone: of the last keepalive believed

// Replica, of each box: the stream that runs, or ran last.
bool runs[2];
mtype last_role[2];
byte last_peer[2], last_term[2];
byte applied_peer[2], applied_term[2]; // the last name whose data it applied

// The link. Bit path: a keepalive, and on HA2 a hello, waits for this box.
byte mail[2];
byte cut = 0; // bit 2 * sender + path
bool paused[2];
byte turned = 0; // bit box: has had its turn in this round
byte faults_left = FAULTS;
bool is_calm = false;
byte calm_rounds = 0;

// A copy of something sent, on its way for as long as it likes.
mtype late = nothing;
byte late_from, late_path, late_life, late_term, late_peer, late_nonce, late_echo;
mtype late_role;
bool late_stale; // a later keepalive of that life was heard

#define at(b, path) ((b) * 2 + (path))
#define other(b) (1 - (b))
#define is_up(b, path) (silent[at(b, path)] < SILENCE)
#ifdef MUTANT_HA2_SILENCE_IS_DEATH
#define is_peer_alive(b) is_up(b, HA2)
#else
#define is_peer_alive(b) (is_up(b, HA2) || is_up(b, HA1))
#endif
#define is_better(b) ((b) == 0 || speaker[b] == 0) // nothing heard yet counts as priority 0
#define has_session(b) (believed[b] != 0 && knows_me[b] && !refuses[b] && !peer_refuses[b])

// ---- Pair ---------------------------------------------------------------------------------------

inline on_keepalive(b, path, its_life, its_role, its_term, its_leaving, is_stale) {
  if
  :: path == HA2 && believed[b] != 0 && its_life != believed[b] && its_life != candidate[b] // a life that is over
  :: else ->
     silent[at(b, path)] = 0;
     if
     :: its_life == speaker[b] && is_stale // proves life alone
     :: else ->
        peer_role[b] = its_role;
#ifdef MUTANT_TERM_OF_A_DEAD_LIFE
        peer_term[b] = (its_term > peer_term[b] -> its_term : peer_term[b]);
#else
        peer_term[b] = (its_life == speaker[b] && peer_term[b] > its_term -> peer_term[b] : its_term);
#endif
        said_term[b] = its_term;
        speaker[b] = its_life;
        peer_leaving[b] = its_leaving
     fi
  fi
}

inline believe(b, its_life) {
  believed[b] = its_life;
  knows_me[b] = false
}

inline on_hello(b, its_life, its_nonce, its_echo, its_peer, its_refusal) {
  if
  :: its_life != believed[b] && its_life != candidate[b] -> candidate[b] = its_life; nonce[b]++
  :: else
  fi;
  peer_nonce[b] = its_nonce;
#ifdef MUTANT_BELIEVES_ANY_HELLO
  if
  :: its_life != believed[b] -> believe(b, its_life)
  :: else
  fi;
#else
  if
  :: its_life != believed[b] && its_echo == nonce[b] -> believe(b, its_life)
  :: else
  fi;
#endif
  if
  :: its_life == believed[b] ->
     knows_me[b] = knows_me[b] || its_peer == life[b];
     peer_refuses[b] = its_refusal;
     silent[at(b, HA2)] = 0
  :: else
  fi
}

inline become_active(b) {
  started[b] = BOOT_HOLD; // alike from now on
#ifdef MUTANT_TERM_STAYS
  term[b] = (term[b] > peer_term[b] -> term[b] : peer_term[b]);
#else
  term[b] = (term[b] > peer_term[b] -> term[b] : peer_term[b]) + 1;
#endif
  role[b] = Active;
  printf("box %d: active, term %d\n", b, term[b])
}

inline become_passive(b) {
  started[b] = BOOT_HOLD;
  role[b] = Passive;
  printf("box %d: passive\n", b)
}

inline decide(b) {
  if
  :: role[b] == Initial ->
     if
     :: is_peer_alive(b) && peer_role[b] == Active && !peer_leaving[b] -> become_passive(b)
     :: is_peer_alive(b) && !leaving[b] && peer_role[b] == Initial && is_better(b) && started[b] >= BOOT_QUARTER ->
        become_active(b)
     :: !is_peer_alive(b) && started[b] >= BOOT_HOLD -> become_active(b)
     :: else
     fi
  :: role[b] == Passive ->
     if
     :: !is_peer_alive(b) ->
        silent_on_every_path = !is_up(b, HA2) && !is_up(b, HA1);
        assert(silent_on_every_path);
        become_active(b)
     :: is_peer_alive(b) && ((peer_leaving[b] && peer_role[b] == Active) || peer_role[b] == Initial) -> become_active(b)
#ifndef MUTANT_FOLLOWS_A_LOWER_TERM
     :: is_peer_alive(b) && !peer_leaving[b] && peer_role[b] == Active && peer_term[b] < term[b] -> become_active(b)
#endif
#ifndef MUTANT_WAITS_FOR_THE_WORSE
     :: is_peer_alive(b) && peer_role[b] == Passive && is_better(b) -> become_active(b)
#endif
     :: else
     fi
  :: role[b] == Active ->
     if
#ifndef MUTANT_NOBODY_YIELDS
     :: is_peer_alive(b) && peer_role[b] == Active && !peer_leaving[b] &&
        (peer_term[b] > term[b] || (peer_term[b] == term[b] && !is_better(b))) ->
        yields_to_no_lower_term = said_term[b] >= term[b];
        assert(yields_to_no_lower_term);
        become_passive(b)
#endif
     :: else
     fi
  fi;
  if
  :: role[b] == Passive && peer_term[b] > term[b] -> term[b] = peer_term[b]
  :: else
  fi
}

// ---- Replica ------------------------------------------------------------------------------------

#ifdef MUTANT_BEGINS_KNOWN_STREAM_ANEW
#define is_resumed(b) runs[b]
#else
#define is_resumed(b) true
#endif
#ifdef MUTANT_OWNS_BEFORE_THE_OTHER_YIELDS
#define has_mirror(b) true
#else
#define has_mirror(b) (peer_role[b] == Passive && speaker[b] == believed[b])
#endif
#define is_last_name(b) (believed[b] == last_peer[b] && term[b] == last_term[b])

inline assume(b) {
  if
  :: !has_session(b) || role[b] == Initial || (role[b] == Active && !has_mirror(b)) -> runs[b] = false
  :: else ->
     if
     :: role[b] == last_role[b] && is_last_name(b) && is_resumed(b) // goes on where it stood
     :: else ->
        // Who owned beside an active box may wait as a mirror under that name until they are paired.
        names_only_rise = last_role[b] == Initial || believed[b] > last_peer[b] ||
          (believed[b] == last_peer[b] &&
           (term[b] > last_term[b] || (term[b] == last_term[b] && last_role[b] == Active && role[b] == Passive)));
        assert(names_only_rise);
        one_owner_per_name = !(role[b] == Active && life[other(b)] == believed[b] && last_role[other(b)] == Active &&
                               last_peer[other(b)] == life[b] && last_term[other(b)] == term[b]);
        assert(one_owner_per_name);
        last_role[b] = role[b]; last_peer[b] = believed[b]; last_term[b] = term[b];
        printf("box %d: begins a stream as %e, term %d, with life %d of the peer\n", b, role[b], term[b], believed[b])
     fi;
     runs[b] = true
  fi
}

#ifdef MUTANT_ACCEPTS_OLD_SESSION
#define is_session(b, its_life, its_peer) true
#else
#define is_session(b, its_life, its_peer) ((its_peer) == life[b] && (its_life) == last_peer[b])
#endif
#ifdef MUTANT_ACCEPTS_OLD_TERM
#define is_term(b, its_term) ((its_term) <= last_term[b])
#else
#define is_term(b, its_term) ((its_term) == last_term[b])
#endif
// A second lock: as no two boxes own one name, data never comes to its owner.
#define may_take_data(b) (last_role[b] == Passive)

// Data of box other(b) in its life `its_life`, said to life `its_peer` of box b.
inline on_data(b, its_life, its_peer, its_term) {
  if
  :: runs[b] && is_session(b, its_life, its_peer) && is_term(b, its_term) && may_take_data(b) ->
     older_changes_nothing = its_peer == life[b] && its_life >= last_peer[b] && its_term >= last_term[b];
     assert(older_changes_nothing);
     one_owner_per_name = !(life[other(b)] == its_life && applied_peer[other(b)] == its_peer &&
                            applied_term[other(b)] == its_term);
     assert(one_owner_per_name);
     applied_peer[b] = its_life; applied_term[b] = its_term
  :: else
  fi
}

// ---- turns --------------------------------------------------------------------------------------

inline take_mail(b) {
  if
  :: mail[b] & 1 ->
     on_keepalive(b, HA2, life[other(b)], role[other(b)], term[other(b)], leaving[other(b)], false);
     on_hello(b, life[other(b)], nonce[other(b)], peer_nonce[other(b)], believed[other(b)], refuses[other(b)])
  :: else
  fi;
  if
  :: mail[b] & 2 -> on_keepalive(b, HA1, life[other(b)], role[other(b)], term[other(b)], leaving[other(b)], false)
  :: else
  fi;
  late_stale = late_stale ||
    (mail[b] != 0 && late == keepalive && late_from == other(b) && late_life == life[other(b)]);
  mail[b] = 0
}

inline send(b) {
  mail[other(b)] = (3 & ~(cut >> (2 * b)));
  if
  :: runs[b] && role[b] == Active && (mail[other(b)] & 1) -> on_data(other(b), life[b], believed[b], term[b])
  :: else
  fi
}

inline age(b) {
  started[b] = (started[b] < BOOT_HOLD -> started[b] + 1 : BOOT_HOLD);
  silent[at(b, HA2)] = (silent[at(b, HA2)] < SILENCE -> silent[at(b, HA2)] + 1 : SILENCE);
  silent[at(b, HA1)] = (silent[at(b, HA1)] < SILENCE -> silent[at(b, HA1)] + 1 : SILENCE)
}

#define is_active_alone(b) (role[b] == Active && role[other(b)] == Passive)
#define is_mirrored_by(b, m) (runs[b] && runs[m] && last_role[b] == Active && last_role[m] == Passive && \
  last_peer[b] == life[m] && last_peer[m] == life[b] && last_term[b] == last_term[m])

inline end_round() {
  turned = 0;
  if
  :: is_calm && calm_rounds < CALM -> calm_rounds++
  :: else
  fi;
  if
  :: calm_rounds == CALM ->
     one_active_after_faults = is_active_alone(0) || is_active_alone(1);
     assert(one_active_after_faults);
     paired_after_faults = is_mirrored_by(0, 1) || is_mirrored_by(1, 0);
     assert(paired_after_faults)
  :: else
  fi
}

inline turn(b) {
  if
  :: has_mail_first = true
  :: b == 1 && !is_calm -> has_mail_first = false // what both say in this round crosses
  fi;
  d_step {
    age(b);
    if
    :: has_mail_first -> take_mail(b)
    :: else
    fi;
    decide(b);
    if
    :: !has_mail_first -> take_mail(b)
    :: else
    fi;
    assume(b);
    send(b);
    turned = turned | (1 << b);
    has_mail_first = false
  }
}

inline start(b) {
  life[b]++;
  role[b] = Initial; term[b] = 0; started[b] = 0;
  silent[at(b, HA2)] = SILENCE; silent[at(b, HA1)] = SILENCE;
  leaving[b] = false; nonce[b] = life[b] * 8;
  believed[b] = 0; candidate[b] = 0; speaker[b] = 0; peer_term[b] = 0; peer_nonce[b] = 0;
  said_term[b] = 0; peer_role[b] = Initial; knows_me[b] = false; peer_leaving[b] = false; peer_refuses[b] = false;
  runs[b] = false; last_role[b] = Initial; last_peer[b] = 0; last_term[b] = 0;
  applied_peer[b] = 0; applied_term[b] = 0;
  mail[b] = 0; mail[other(b)] = 0;
  printf("box %d: starts, life %d\n", b, life[b])
}

// ---- faults -------------------------------------------------------------------------------------

// What box b has said last, as it is now.
inline copy_for_later(b) {
  late = kind; late_from = b; late_life = life[b];
  if
  :: kind == keepalive -> late_path = HA1; late_role = role[b]; late_term = term[b]
  :: kind == hello -> late_peer = believed[b]; late_nonce = nonce[b]; late_echo = peer_nonce[b]
  :: kind == data -> late_peer = believed[b]; late_term = term[b]
  fi;
  printf("link: keeps a copy of a %e of box %d\n", kind, b)
}

inline fault(b) {
  faults_left--;
  if
  :: life[b] < LIVES -> start(b)
  :: !paused[b] -> paused[b] = true; printf("box %d: pauses\n", b)
  :: !leaving[b] && life[b] < LIVES -> leaving[b] = true; printf("box %d: leaves\n", b)
  :: refuses[b] = !refuses[b]; printf("box %d: refuses its peer: %d\n", b, refuses[b])
  :: late == nothing ->
     if
     :: kind = keepalive
     :: kind = hello
     :: runs[b] && role[b] == Active -> kind = data
     fi;
     copy_for_later(b);
     kind = nothing
  fi
}

inline cut_or_join() {
  faults_left--;
  if
  :: cut != 0 -> cut = 0
  :: cut = 5 // HA2
  :: cut = 10 // HA1
  :: cut = 15 // both
  :: cut = 3 // all that box 0 sends
  :: cut = 12 // all that box 1 sends
  fi;
  printf("link: cut is now %d (bits: box 0 on HA2, on HA1, box 1 on HA2, on HA1)\n", cut)
}

inline forget_late() {
  late = nothing; late_from = 0; late_path = 0; late_life = 0; late_role = Initial; late_term = 0;
  late_peer = 0; late_nonce = 0; late_echo = 0; late_stale = false
}

inline deliver_late(b) {
  printf("link: the copy of a %e of box %d arrives\n", late, late_from);
  if
  :: late == keepalive -> on_keepalive(b, late_path, late_life, late_role, late_term, false, late_stale)
  :: late == hello -> on_hello(b, late_life, late_nonce, late_echo, late_peer, false)
  :: late == data -> on_data(b, late_life, late_peer, late_term)
  fi;
  forget_late()
}

init {
  bool has_mail_first;
  mtype kind = nothing;
  atomic { late_role = Initial; start(0); start(1) }
end:
  do
  :: atomic { !(turned & 1) && !paused[0] -> turn(0) }
  :: atomic { (turned & 1 || paused[0]) && !(turned & 2) && !paused[1] -> turn(1) }
  :: d_step { (turned & 1 || paused[0]) && (turned & 2 || paused[1]) -> end_round() }
  :: atomic { !is_calm && faults_left > 0 -> fault(0) }
  :: atomic { !is_calm && faults_left > 0 -> fault(1) }
  :: atomic { !is_calm && faults_left > 0 -> cut_or_join() }
  :: atomic { !is_calm && paused[0] -> paused[0] = false; printf("box 0: goes on\n") }
  :: atomic { !is_calm && paused[1] -> paused[1] = false; printf("box 1: goes on\n") }
  :: d_step { !is_calm && leaving[0] -> start(0) }
  :: d_step { !is_calm && leaving[1] -> start(1) }
  :: d_step { late != nothing && late_from == 0 -> deliver_late(1) }
  :: d_step { late != nothing && late_from == 1 -> deliver_late(0) }
  :: d_step { !is_calm && !leaving[0] && !leaving[1] && late == nothing ->
       is_calm = true; faults_left = 0; cut = 0;
       paused[0] = false; paused[1] = false; refuses[0] = false; refuses[1] = false;
       printf("the faults are over\n") }
  od
}
