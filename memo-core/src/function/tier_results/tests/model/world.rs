//! Three machines, the server, the database behind the function, and what can happen to them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::task::Wake;

use super::super::*;
use crate::remote::noise::Numbers;
use crate::remote::seeded;
use crate::remote::test_server::{Unfinished, key_of};

pub(super) const SITES: usize = 3;
const KEYS: usize = 3;
/// The most calls at a time.
const CALLS: usize = 8;
/// The time to live of entries. Longer than that of a lease.
const TTL: Duration = Duration::from_secs(25);
/// How far the clocks advance at once, in milliseconds.
const PASS: u64 = 4000;
/// After this long every lease has ended whose holder does not renew it, in milliseconds.
const LEASES_END: u64 = 11_000;

const WAYS: [Way; 3] = [Way::Request, Way::Message, Way::Answer];
const ALL_HELD: Held = Held { requests: true, answers: true, messages: true, merges: false };

/// What the function computes from: a number for each key, which only grows. It stands for the time of a change.
type Database = Rc<[Cell<u64>; KEYS]>;

/// A computation: it reads the database when it is first polled, and ends when the schedule wants.
#[derive(Default)]
struct Body {
    read: Cell<Option<u64>>,
    /// Whether it succeeds.
    end: Cell<Option<bool>>,
    waker: RefCell<Option<Waker>>,
}

struct Call {
    site: usize,
    key: usize,
    future: Pin<Box<dyn Future<Output = Result<String, ()>>>>,
    body: Rc<Body>,
    woken: Arc<Woken>,
    /// An older version must not be returned, because of what this machine has removed.
    own: u64,
    /// The same, because of what any has removed and this one has been told.
    told: u64,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// A removal that is not confirmed yet.
struct Removed {
    site: usize,
    key: Option<usize>,
    versions: [u64; KEYS],
}

pub(super) struct World {
    pub(super) numbers: Numbers,
    server: TestServer,
    database: Database,
    sites: Vec<Arc<Site>>,
    /// Whether a site has not been told yet that its connection was cut.
    is_unaware: [bool; SITES],
    is_cut: [bool; SITES],
    calls: Vec<Call>,
    /// By site and key, what a call of the site returns at least.
    own: [[u64; KEYS]; SITES],
    /// By key, what a call returns at least where all messages have come.
    confirmed: [u64; KEYS],
    unconfirmed: Vec<Removed>,
    /// What was inserted without confirmation, by key and version: nobody knows when it arrives. With the site, unless it
    /// has died.
    late: BTreeMap<(usize, u64), Option<usize>>,
    /// Whether only the dead may have something under way.
    is_over: bool,
    /// Whether requests get lost, with connections and processes. Then a lease may outlive its holder.
    loses: bool,
    pub(super) trace: Option<String>,
    pub(super) fault: Option<String>,
}

macro_rules! say {
    ($world:expr, $($text:tt)*) => {
        if let Some(trace) = &mut $world.trace {
            writeln!(trace, $($text)*).unwrap();
        }
    };
}

/// Returns the version that a text stands for, and whether it was inserted.
fn version(text: &str) -> (u64, bool) {
    let number = text.trim_end_matches('!');
    (number.parse().unwrap(), number.len() < text.len())
}

fn argument(n: usize) -> u32 {
    u32::try_from(n).unwrap()
}

fn is_key(bytes: &[u8], n: usize) -> bool {
    key(argument(n)).bytes() == Some(bytes)
}

fn site(server: &TestServer) -> Arc<Site> {
    let options = TierOptions::new().queue(1, 1 << 20);
    let site = Site::unconnected(server, options, |settings| {
        let settings = settings.max(2).shards(1).ttl(TTL).remote_limit(Duration::ZERO);
        settings.wait_limit(Duration::from_secs(3600))
    });
    site.machine.hold(ALL_HELD);
    site
}

impl World {
    pub(super) fn new(seed: u64, is_traced: bool) -> Self {
        seeded::begin(seed);
        let server = TestServer::default();
        Self {
            numbers: Numbers::new(0),
            database: Rc::new([const { Cell::new(1) }; KEYS]),
            sites: (0..SITES).map(|_| site(&server)).collect(),
            server,
            is_unaware: [false; SITES],
            is_cut: [true; SITES],
            calls: Vec::new(),
            own: [[0; KEYS]; SITES],
            confirmed: [0; KEYS],
            unconfirmed: Vec::new(),
            late: BTreeMap::new(),
            is_over: false,
            loses: seed % 2 == 0,
            trace: is_traced.then(String::new),
            fault: None,
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.numbers.below(end)
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn check(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds && self.fault.is_none() {
            self.fault = Some(fault());
        }
    }

    /// Does what the schedule chooses next.
    pub(super) fn step(&mut self) {
        let (site, key) = (self.below(SITES), self.below(KEYS).min(self.below(KEYS)));
        match self.below(100) {
            0..12 => self.begin(site, key),
            12..27 => self.poll_woken(),
            27..35 => self.end_body(),
            35..66 => self.deliver(),
            66..68 => self.change(key),
            68..75 => {
                if self.coin() {
                    self.change(key);
                }
                self.remove(site, Some(key));
            }
            75..79 => {
                self.change(key);
                self.remove(site, None);
            }
            79..82 => self.insert(site, key),
            82..84 => self.get(site, key),
            84..90 => self.change_connection(site),
            90..92 => self.tick(site),
            92..94 => self.pass(PASS),
            94..96 => self.lose(),
            96 => {
                say!(self, "{site}: the answer comes too late");
                self.sites[site].machine.answer(Err(StoreError::TimedOut));
            }
            97 => {
                let merges = self.coin();
                self.sites[site].machine.hold(Held { merges, ..ALL_HELD });
            }
            98 => self.drop_call(),
            _ if self.loses => self.kill(site),
            _ => {}
        }
        self.after_step();
    }

    /// Makes the server lose everything, or something.
    fn lose(&mut self) {
        if self.coin() {
            say!(self, "the server loses everything");
            return self.server.flush();
        }
        let n = self.below(100);
        say!(self, "the server evicts {n}");
        self.server.evict(n);
    }

    /// Notes what was confirmed, and checks what the server has.
    fn after_step(&mut self) {
        let sites = &self.sites;
        let open: Vec<_> = sites.iter().map(|site| site.tier.unfinished().removals).collect();
        for removed in std::mem::take(&mut self.unconfirmed) {
            let is_open = open[removed.site].iter().any(|open| match (open, removed.key) {
                (Some(open), Some(n)) => is_key(open, n),
                _ => true,
            });
            if is_open {
                self.unconfirmed.push(removed);
                continue;
            }
            for (n, &version) in removed.versions.iter().enumerate() {
                self.confirmed[n] = self.confirmed[n].max(version);
            }
        }
        for (entry, value) in self.server.current() {
            let held = key_of(&entry).unwrap_or_default();
            let n = (0..KEYS).find(|&n| is_key(&held, n));
            let (n, text) = (n.unwrap(), std::str::from_utf8(&value[1..]).unwrap().to_owned());
            let (held, is_inserted) = version(&text);
            let (least, is_late) = (self.confirmed[n], is_inserted && self.is_late(n, held));
            let fault = || format!("the server has {text} of {n}, not at least {least}");
            self.check(held >= least || is_late, fault);
        }
    }

    fn is_late(&self, key: usize, version: u64) -> bool {
        self.late.get(&(key, version)).is_some_and(|site| site.is_none() || !self.is_over)
    }

    fn begin(&mut self, site: usize, n: usize) {
        if self.calls.len() >= CALLS {
            return;
        }
        let (function, body) = (self.sites[site].function, Rc::<Body>::default());
        let (own_body, database) = (Rc::clone(&body), Rc::clone(&self.database));
        let compute = poll_fn(move |cx| {
            let read = own_body.read.get().unwrap_or_else(|| database[n].get());
            own_body.read.set(Some(read));
            let Some(succeeds) = own_body.end.get() else {
                own_body.waker.replace(Some(cx.waker().clone()));
                return Poll::Pending;
            };
            Poll::Ready(if succeeds { Ok(read.to_string()) } else { Err(()) })
        });
        let future = Box::pin(call(move || {
            let function: &'static FunctionCache<Kept> = function;
            function.begin(&(Serialized(&argument(n)), ())).compute(compute)
        }));
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let own = self.own[site][n];
        let told = if self.is_current(site) { self.confirmed[n] } else { 0 };
        say!(self, "{site}: calls {n}, which must not be older than {own} and {told}");
        self.calls.push(Call { site, key: n, future, body, woken, own, told });
        self.poll(self.calls.len() - 1);
    }

    /// Returns whether a site is connected and knows of all changes.
    fn is_current(&self, site: usize) -> bool {
        let site = &self.sites[site];
        site.tier.is_up() && site.machine.knows_all()
    }

    fn poll_woken(&mut self) {
        let woken: Vec<_> =
            (0..self.calls.len()).filter(|&n| self.calls[n].woken.0.load(SeqCst)).collect();
        if !woken.is_empty() {
            let n = self.below(woken.len());
            self.poll(woken[n]);
        }
    }

    fn poll(&mut self, index: usize) {
        let call = &mut self.calls[index];
        call.woken.0.store(false, SeqCst);
        let waker = Waker::from(Arc::clone(&call.woken));
        let Poll::Ready(returned) = call.future.as_mut().poll(&mut Context::from_waker(&waker))
        else {
            return;
        };
        let Call { site, key, own, told, .. } = self.calls.remove(index);
        say!(self, "{site}: {key} is {returned:?}");
        if let Ok(text) = returned {
            self.compare(site, key, &text, own, told);
        }
    }

    /// Compares what a call or a look has returned with what it must not be older than.
    fn compare(&mut self, site: usize, key: usize, text: &str, own: u64, told: u64) {
        let (found, is_inserted) = version(text);
        if is_inserted && self.is_late(key, found) {
            return;
        }
        self.check(found >= own, || {
            format!("{site} got {text} of {key} after it had removed what is older than {own}")
        });
        self.check(found >= told, || {
            format!("{site} got {text} of {key} though it knew that {told} is the oldest")
        });
    }

    fn end_body(&mut self) {
        let is_running =
            |call: &Call| call.body.read.get().is_some() && call.body.end.get().is_none();
        let running: Vec<_> =
            (0..self.calls.len()).filter(|&n| is_running(&self.calls[n])).collect();
        if running.is_empty() {
            return;
        }
        let n = running[self.below(running.len())];
        let succeeds = self.below(5) > 0;
        let Call { site, key, .. } = self.calls[n];
        say!(self, "{site}: the computation of {key} ends, {succeeds}");
        self.calls[n].body.finish(succeeds);
    }

    /// Lets something that is under way arrive.
    fn deliver(&mut self) {
        for _ in 0..4 {
            let (site, way) = (self.below(SITES), WAYS[self.below(WAYS.len())]);
            if self.sites[site].machine.step(way) {
                return say!(self, "{site}: {way:?}");
            }
        }
    }

    /// Lets the server answer the requests of a site at once, or takes that back.
    fn set_prompt(&mut self, site: usize, is_prompt: bool) {
        let machine = &self.sites[site].machine;
        let merges = machine.held().merges;
        let held = Held { requests: !is_prompt, answers: !is_prompt, messages: true, merges };
        machine.hold(held);
    }

    /// Does something that waits for the server, which answers at once or after the limit.
    fn wait<T>(&mut self, site: usize, what: &str, act: impl FnOnce(&Site) -> T) -> T {
        let is_prompt = self.coin();
        say!(self, "{site}: {what}, answered: {is_prompt}");
        if is_prompt {
            self.set_prompt(site, true);
        }
        let result = act(&self.sites[site]);
        self.set_prompt(site, false);
        result
    }

    fn change(&mut self, key: usize) {
        let changed = self.database[key].get() + 1;
        self.database[key].set(changed);
        say!(self, "the database: {key} becomes {changed}");
    }

    fn remove(&mut self, site: usize, n: Option<usize>) {
        let versions =
            std::array::from_fn(
                |m| {
                    if n.is_none_or(|n| n == m) { self.database[m].get() } else { 0 }
                },
            );
        match n {
            Some(n) => {
                self.wait(site, &format!("invalidates {n}"), |site| {
                    site.memo().invalidate(&key(argument(n)));
                });
            }
            None => self.wait(site, "clears", |site| site.memo().clear()),
        }
        self.removed(Removed { site, key: n, versions });
    }

    fn insert(&mut self, site: usize, n: usize) {
        let version = self.database[n].get() + 1;
        self.database[n].set(version);
        let text = format!("{version}!");
        self.wait(site, &format!("inserts {text} for {n}"), |site| {
            site.memo().insert(&key(argument(n)), Ok(text));
        });
        let versions = std::array::from_fn(|m| if n == m { version } else { 0 });
        if !self.sites[site].tier.unfinished().removals.is_empty() {
            self.late.insert((n, version), Some(site));
        }
        self.removed(Removed { site, key: Some(n), versions });
    }

    fn removed(&mut self, removed: Removed) {
        let own = &mut self.own[removed.site];
        own.iter_mut().zip(removed.versions).for_each(|(own, version)| *own = version.max(*own));
        self.unconfirmed.push(removed);
    }

    fn get(&mut self, site: usize, n: usize) {
        let own = self.own[site][n];
        let told = if self.is_current(site) { self.confirmed[n] } else { 0 };
        self.set_prompt(site, true);
        let found = self.sites[site].memo().get(&key(argument(n)));
        self.set_prompt(site, false);
        say!(self, "{site}: looks at {n}, which is {found:?}");
        if let Some(Ok(text)) = found {
            self.compare(site, n, &text, own, told);
        }
    }

    fn change_connection(&mut self, site: usize) {
        if self.is_unaware[site] {
            return self.notice(site);
        }
        if self.is_cut[site] {
            return self.heal(site);
        }
        if self.coin() {
            return;
        }
        let (also_requests, done) = (self.coin() && self.loses, self.below(4));
        say!(self, "{site}: is cut, requests too: {also_requests}, of which the server did {done}");
        self.sites[site].machine.sever(also_requests, done);
        (self.is_cut[site], self.is_unaware[site]) = (true, true);
    }

    fn notice(&mut self, site: usize) {
        say!(self, "{site}: notices that it was cut");
        self.is_unaware[site] = false;
        self.sites[site].machine.disconnected();
    }

    pub(super) fn heal(&mut self, site: usize) {
        say!(self, "{site}: is connected");
        self.is_cut[site] = false;
        self.sites[site].machine.heal();
    }

    fn tick(&mut self, site: usize) {
        say!(self, "{site}: a second has passed");
        self.sites[site].tier.tick();
    }

    fn pass(&mut self, millis: u64) {
        say!(self, "{millis} ms pass");
        steps::pass(millis);
        // The timer does so.
        self.calls.iter().for_each(|call| call.woken.0.store(true, SeqCst));
    }

    fn drop_call(&mut self) {
        if self.calls.is_empty() {
            return;
        }
        let n = self.below(self.calls.len());
        let Call { site, key, .. } = self.calls.swap_remove(n);
        say!(self, "{site}: drops a call of {key}");
    }

    /// Ends the process of a site, and starts another.
    fn kill(&mut self, site: usize) {
        say!(self, "{site}: dies");
        let done = self.below(4);
        self.sites[site].machine.sever(true, done);
        self.calls.retain(|call| call.site != site);
        self.unconfirmed.retain(|removed| removed.site != site);
        self.late.values_mut().filter(|at| **at == Some(site)).for_each(|at| *at = None);
        self.own[site] = [0; KEYS];
        self.sites[site] = self::site(&self.server);
        (self.is_cut[site], self.is_unaware[site]) = (true, false);
    }
}

/// The end of a schedule.
impl World {
    /// Connects all, and lets all that is under way arrive.
    fn settle(&mut self) {
        for site in 0..SITES {
            if self.is_unaware[site] {
                self.notice(site);
            }
            if self.is_cut[site] {
                self.heal(site);
            }
        }
        while self.go_on() {
            self.after_step();
        }
    }

    fn go_on(&mut self) -> bool {
        let mut has_moved = false;
        for site in 0..SITES {
            for way in WAYS {
                while self.sites[site].machine.step(way) {
                    has_moved = true;
                }
            }
        }
        for n in (0..self.calls.len()).rev() {
            self.calls[n].body.finish(true);
            if self.calls[n].woken.0.load(SeqCst) {
                self.poll(n);
                has_moved = true;
            }
        }
        has_moved
    }

    /// Nothing is under way: whoever still waits must wait for the end of a lease. Then nothing is left at all.
    pub(super) fn conclude(&mut self) {
        self.settle();
        let leased: Vec<_> =
            self.server.leased().iter().filter_map(|entry| key_of(entry)).collect();
        for n in 0..self.calls.len() {
            let Call { site, key: m, .. } = self.calls[n];
            let is_leased = leased.iter().any(|leased| is_key(leased, m));
            self.check(is_leased, || format!("{site} waits for {m} for no reason"));
        }
        let count = leased.len();
        let loses = self.loses;
        self.check(loses || count == 0, || format!("{count} leases have no holder"));
        for _ in 0..3 {
            (0..SITES).for_each(|site| self.tick(site));
            self.pass(LEASES_END);
            self.settle();
        }
        let pending = self.calls.len();
        self.check(pending == 0, || format!("{pending} calls do not end"));
        for site in 0..SITES {
            let left = self.sites[site].tier.unfinished();
            let nothing = Unfinished { removals: vec![], writes: 0, leases: 0, notices: 0 };
            self.check(left == nothing, || format!("{site} has left {left:?}"));
            let is_current = self.is_current(site);
            self.check(is_current, || format!("{site} is not up"));
        }
        self.is_over = true;
        self.calls.clear();
        for (site, key) in (0..SITES).flat_map(|site| (0..KEYS).map(move |key| (site, key))) {
            self.begin(site, key);
            self.settle();
        }
        let (pending, leases) = (self.calls.len(), self.server.leases());
        self.check(pending + leases == 0, || {
            format!("{pending} calls and {leases} leases are left")
        });
    }
}

impl Body {
    fn finish(&self, succeeds: bool) {
        self.end.set(Some(succeeds));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
