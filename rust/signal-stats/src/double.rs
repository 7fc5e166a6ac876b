//! Numbers of twice the precision, as the unevaluated sum of two (Dekker 1971; Knuth, TAOCP 2, 4.2.2).
//!
//! Home-made, because it is 60 lines, and crates for it use a fused multiply-add where the machine has one.

/// `high` + `low`, where `low` is at most half a unit in the last place of `high`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Double {
    pub(crate) high: f64,
    pub(crate) low: f64,
}

impl Double {
    /// `a + b` exactly.
    #[inline]
    pub(crate) fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let other = high - a;
        Self {
            high,
            low: (a - (high - other)) + (b - other),
        }
    }

    /// `a * b` exactly, unless a part of it underflows. Without a fused multiply-add, which not all machines have.
    #[inline]
    pub(crate) fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        let ((a, a_rest), (b, b_rest)) = (halves(a), halves(b));
        Self {
            high,
            low: ((a * b - high) + a * b_rest + a_rest * b) + a_rest * b_rest,
        }
    }

    #[inline]
    fn normal(high: f64, low: f64) -> Self {
        let sum = high + low;
        Self {
            high: sum,
            low: low - (sum - high),
        }
    }

    #[inline]
    pub(crate) fn plus(self, other: Self) -> Self {
        let (high, low) = (Self::sum(self.high, other.high), Self::sum(self.low, other.low));
        let first = Self::normal(high.high, high.low + low.high);
        Self::normal(first.high, first.low + low.low)
    }

    #[inline]
    pub(crate) fn times(self, other: Self) -> Self {
        let product = Self::product(self.high, other.high);
        Self::normal(
            product.high,
            product.low + (self.high * other.low + self.low * other.high),
        )
    }

    pub(crate) fn divided(self, divisor: f64) -> Self {
        let first = self.high / divisor;
        let back = Self::product(first, divisor);
        let rest = ((self.high - back.high) - back.low) + self.low;
        Self::normal(first, rest / divisor)
    }

    pub(crate) fn negative(self) -> Self {
        Self {
            high: -self.high,
            low: -self.low,
        }
    }
}

/// The upper 26 bits, and the rest (Veltkamp).
#[inline]
fn halves(value: f64) -> (f64, f64) {
    let shifted = value * 134_217_729.0;
    let upper = shifted - (shifted - value);
    (upper, value - upper)
}
