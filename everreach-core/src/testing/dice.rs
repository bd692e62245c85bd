//! Chance that can be played again.

/// A small generator of numbers for simulations: the same ones for the same seed, and not for secrets.
///
/// ```
/// use everreach_core::testing::Dice;
/// let (mut one, mut other) = (Dice::new(7), Dice::new(7));
/// let rolled: Vec<u64> = (0..5).map(|_| one.roll(6)).collect();
/// assert!(rolled.iter().all(|number| *number < 6));
/// assert_eq!(rolled, (0..5).map(|_| other.roll(6)).collect::<Vec<u64>>());
/// ```
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        // Nothing ever comes out of 0.
        Self(if seed == 0 { 1 } else { seed })
    }

    /// A number from 0 to one below `sides`; 0 where there are none.
    pub fn roll<N: Copy + TryFrom<u64> + TryInto<u64>>(&mut self, sides: N) -> N {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let below = sides.try_into().unwrap_or(0).max(1);
        // What is below `sides` is of its type.
        N::try_from(self.0 % below).unwrap_or(sides)
    }
}
