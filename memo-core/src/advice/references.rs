//! How many references of each kind a sample has.

/// Nothing is said before this many references were sampled. The first ones all are.
pub(super) const ENOUGH: u64 = 1000;

/// The references of one kind. One that is sampled stands for several.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) count: f64,
    /// The same, but each reference counts as often as its key was used before.
    pub(super) uses: f64,
}

impl Tally {
    #[inline]
    pub(super) fn add(&mut self, count: f64, uses: f64) {
        self.count += count;
        self.uses += uses;
    }

    /// Makes it count half.
    #[inline]
    pub(super) fn halve(&mut self) {
        self.count /= 2.0;
        self.uses /= 2.0;
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct References {
    /// Of keys that were not seen before.
    pub(super) first: Tally,
    /// After the end of the time to live, or of the idle time.
    pub(super) expired: Tally,
    /// After an invalidation, or a computation whose value was not kept.
    pub(super) removed: Tally,
    /// All others: these hit if the cache is large enough.
    pub(super) repeated: Tally,
    /// The first ones of keys after a pause, of which it is not known what they are.
    pub(super) unknown: Tally,
}

impl References {
    /// Returns the number of those of which it is known what they are.
    #[inline]
    pub(super) fn known(&self) -> f64 {
        self.all_known().count
    }

    /// Returns those of which it is known what they are.
    #[inline]
    pub(super) fn all_known(&self) -> Tally {
        let mut sum = Tally::default();
        for kind in [self.first, self.expired, self.removed, self.repeated] {
            sum.add(kind.count, kind.uses);
        }
        sum
    }

    /// Returns the number of all.
    #[inline]
    pub(super) fn sampled(&self) -> f64 {
        self.known() + self.unknown.count
    }

    /// Returns the sum of the uses of all.
    #[inline]
    pub(super) fn uses(&self) -> f64 {
        self.all().map(|tally| tally.uses).sum()
    }

    /// Makes older references count half.
    #[inline]
    pub(super) fn halve(&mut self) {
        for tally in self.all_mut() {
            tally.halve();
        }
    }

    /// Adds a share of its uses to each kind.
    #[inline]
    pub(super) fn adjust(&mut self, share: f64) {
        for tally in self.all_mut() {
            tally.count = (tally.count + share * tally.uses).max(0.0);
        }
    }

    #[inline]
    fn all(&self) -> impl Iterator<Item = &Tally> {
        let Self { first, expired, removed, repeated, unknown } = self;
        [first, expired, removed, repeated, unknown].into_iter()
    }

    #[inline]
    fn all_mut(&mut self) -> impl Iterator<Item = &mut Tally> {
        let Self { first, expired, removed, repeated, unknown } = self;
        [first, expired, removed, repeated, unknown].into_iter()
    }
}
