//! Exact sums, in integers: the result depends neither on the order of the values nor on the machine.
//!
//! Home-made, because crates for exact summation leave infinities and overflow undefined, cannot take a value away
//! again, and give the rounded sum alone, from which no correctly rounded mean can be had.

use crate::canonical::nan;

/// Enough digits of 32 bits for 2⁶⁴ values of the greatest magnitude, from 2⁻¹⁰⁷⁴ on.
const DIGITS: usize = 70;

const DIGIT: i64 = 0xffff_ffff;

/// A digit takes less than 2³³ from each value.
const MOST_PENDING: u32 = 1 << 29;

/// The exact sum of `f64` values: a fixed-point number that is wide enough for all of them.
///
/// Infinities and NaN are counted apart. Values that were added can be removed, without a trace.
#[derive(Clone, Debug)]
pub struct ExactSum {
    digits: [i64; DIGITS],
    pending: u32,
    count: u64,
    nans: u64,
    positive_infinities: u64,
    negative_infinities: u64,
}

impl Default for ExactSum {
    fn default() -> Self {
        Self {
            digits: [0; DIGITS],
            pending: 0,
            count: 0,
            nans: 0,
            positive_infinities: 0,
            negative_infinities: 0,
        }
    }
}

impl ExactSum {
    /// The sum of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many values it is the sum of.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds values.
    pub fn extend(&mut self, values: &[f64]) {
        for value in values {
            self.add(*value);
        }
    }

    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        if value.is_finite() {
            self.add_finite(value);
        } else {
            *self.apart(value) += 1;
        }
    }

    /// Takes away a value that was added before.
    #[inline]
    pub fn remove(&mut self, value: f64) {
        self.count -= 1;
        if value.is_finite() {
            self.add_finite(-value);
        } else {
            *self.apart(value) -= 1;
        }
    }

    /// The sum, correctly rounded (to nearest, ties to even); infinite beyond the greatest finite value.
    ///
    /// NaN if a NaN is among the values, or infinities of both signs. An exact zero is positive.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.divided(1)
    }

    /// The mean, correctly rounded, as [`Self::sum`]. It never overflows. NaN without any value.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            nan()
        } else {
            self.divided(self.count)
        }
    }

    fn apart(&mut self, value: f64) -> &mut u64 {
        if value.is_nan() {
            &mut self.nans
        } else if value > 0.0 {
            &mut self.positive_infinities
        } else {
            &mut self.negative_infinities
        }
    }

    #[inline]
    fn add_finite(&mut self, value: f64) {
        if self.pending == MOST_PENDING {
            carry(&mut self.digits);
            self.pending = 0;
        }
        self.pending += 1;
        let bits = value.to_bits();
        let exponent = (bits >> 52) & 0x7ff;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, position) = if exponent == 0 {
            (fraction, 0)
        } else {
            (fraction | (1 << 52), exponent - 1)
        };
        let shift = position % 32;
        let low = (mantissa & 0xffff_ffff) << shift;
        let high = (mantissa >> 32) << shift;
        // All ones for a negative value: `(x ^ sign) - sign` is then -x.
        let sign = bits.cast_signed() >> 63;
        let signed = |digit: u64| (digit.cast_signed() ^ sign) - sign;
        let index = usize::try_from(position / 32).unwrap_or_default();
        if let [first, second, third] = &mut self.digits[index..index + 3] {
            *first += signed(low & 0xffff_ffff);
            *second += signed((low >> 32) + (high & 0xffff_ffff));
            *third += signed(high >> 32);
        }
    }

    fn divided(&self, divisor: u64) -> f64 {
        match (self.nans, self.positive_infinities, self.negative_infinities) {
            (0, 0, 0) => {}
            (0, _, 0) => return f64::INFINITY,
            (0, 0, _) => return f64::NEG_INFINITY,
            _ => return nan(),
        }
        let mut digits = self.digits;
        carry(&mut digits);
        let is_negative = digits[DIGITS - 1] < 0;
        if is_negative {
            for digit in &mut digits {
                *digit = -*digit;
            }
            carry(&mut digits);
        }
        let magnitude = Leading::of(&digits).divided(divisor).rounded();
        if is_negative { -magnitude } else { magnitude }
    }
}

/// Leaves digits from 0 to 2³² - 1 but for the last, which has the sign.
fn carry(digits: &mut [i64; DIGITS]) {
    let mut over = 0;
    for digit in &mut digits[..DIGITS - 1] {
        let value = *digit + over;
        over = value >> 32;
        *digit = value & DIGIT;
    }
    digits[DIGITS - 1] += over;
}

/// `bits` · 2^(`exponent` - 1074), and a little more if `has_rest`.
struct Leading {
    bits: u128,
    exponent: i32,
    has_rest: bool,
}

impl Leading {
    /// The 128 bits that begin with the first that is set.
    fn of(digits: &[i64; DIGITS]) -> Self {
        let digit = |index: usize| u128::from(digits[index].unsigned_abs());
        let Some(top) = digits.iter().rposition(|digit| *digit != 0) else {
            return Self {
                bits: 0,
                exponent: 0,
                has_rest: false,
            };
        };
        let mut bits = 0;
        let mut exponent = 0;
        let mut missing = 128;
        let mut has_rest = false;
        for index in (0..=top).rev() {
            let width = if index == top {
                64 - digits[index].leading_zeros()
            } else {
                32
            };
            let taken = width.min(missing);
            bits = if taken == 128 { 0 } else { bits << taken } | (digit(index) >> (width - taken));
            has_rest |= digit(index) & ((1 << (width - taken)) - 1) != 0;
            missing -= taken;
            if taken > 0 {
                exponent = 32 * i32::try_from(index).unwrap_or_default() + (width - taken).cast_signed();
            }
        }
        Self {
            bits: bits << missing,
            exponent: exponent - missing.cast_signed(),
            has_rest,
        }
    }

    fn divided(self, divisor: u64) -> Self {
        let divisor = u128::from(divisor);
        Self {
            bits: self.bits / divisor,
            has_rest: self.has_rest || !self.bits.is_multiple_of(divisor),
            ..self
        }
    }

    /// To nearest, ties to even.
    fn rounded(self) -> f64 {
        if self.bits == 0 {
            return 0.0;
        }
        let width = 128 - self.bits.leading_zeros().cast_signed();
        // 53 bits are kept, fewer for what is subnormal.
        let dropped = (width - 53).max(-self.exponent);
        let mut exponent = self.exponent + dropped;
        let mut mantissa = self.bits >> dropped;
        let rest = self.bits & ((1 << dropped) - 1);
        let half = 1_u128 << (dropped - 1);
        if rest > half || (rest == half && (self.has_rest || mantissa & 1 == 1)) {
            mantissa += 1;
        }
        if mantissa == 1 << 53 {
            mantissa >>= 1;
            exponent += 1;
        }
        let mantissa = u64::try_from(mantissa).unwrap_or_default();
        let exponent = u64::try_from(exponent).unwrap_or_default();
        if mantissa < 1 << 52 {
            return f64::from_bits(mantissa);
        }
        if exponent + 1 >= 0x7ff {
            return f64::INFINITY;
        }
        f64::from_bits(((exponent + 1) << 52) | (mantissa & ((1 << 52) - 1)))
    }
}
