//! What is defined for empty, infinite, subnormal and undefined values, and for buffers that do not belong together.

#![allow(clippy::float_cmp, reason = "results are defined to the bit")]

use signal_stats::{
    Bins, Biquad, BiquadCoefficients, Error, ExactSum, Fir, Interpolation, Outside, QuantileSketch, Rolling, Spectrum,
    Stream, Window, checksum, covariance, fir, low_pass_taps, mean, quantiles, resample, resampled_length, rolling,
    rolling_length, variance,
};

const NAN: u64 = 0x7ff8_0000_0000_0000;
const INFINITY: f64 = f64::INFINITY;

/// A NaN that no result may have.
fn odd_nan() -> f64 {
    f64::from_bits(0xfff4_0000_0000_1234)
}

fn quantile(values: &[f64], probability: f64, interpolation: Interpolation) -> Result<f64, Error> {
    let (mut scratch, mut out) = (vec![0.0; values.len()], [0.0]);
    quantiles(values, &[probability], interpolation, &mut scratch, &mut out)?;
    Ok(out[0])
}

#[test]
fn nothing_has_no_mean() {
    assert_eq!(mean(&[]), Err(Error::TooFew));
    assert_eq!(variance(&[], 0), Err(Error::TooFew));
    assert_eq!(variance(&[1.0], 1), Err(Error::TooFew));
    assert_eq!(variance(&[1.0], 0).map(f64::to_bits), Ok(0));
    assert_eq!(covariance(&[1.0], &[1.0, 2.0], 0), Err(Error::LengthMismatch));
    assert_eq!(covariance(&[1.0], &[1.0], u32::MAX), Err(Error::TooFew));
    assert_eq!(quantile(&[], 0.5, Interpolation::Linear), Err(Error::TooFew));
    assert_eq!(ExactSum::new().mean().to_bits(), NAN);
    assert_eq!((ExactSum::new().sum(), ExactSum::new().count()), (0.0, 0));
}

#[test]
fn infinities_and_nan_are_defined() {
    assert_eq!(mean(&[INFINITY, 1.0]), Ok(INFINITY));
    assert_eq!(mean(&[-INFINITY, 1.0]), Ok(-INFINITY));
    assert_eq!(mean(&[-INFINITY, INFINITY]).map(f64::to_bits), Ok(NAN));
    assert_eq!(mean(&[1.0, odd_nan()]).map(f64::to_bits), Ok(NAN));
    assert_eq!(variance(&[1.0, INFINITY], 1).map(f64::to_bits), Ok(NAN));
    assert_eq!(variance(&[1.0, odd_nan()], 1).map(f64::to_bits), Ok(NAN));
    assert_eq!(
        covariance(&[1.0, 2.0], &[-INFINITY, INFINITY], 1).map(f64::to_bits),
        Ok(NAN)
    );
    let mut sum = ExactSum::new();
    for value in [INFINITY, odd_nan(), -INFINITY, 3.0] {
        sum.add(value);
    }
    for value in [INFINITY, odd_nan(), -INFINITY] {
        sum.remove(value);
    }
    assert_eq!((sum.sum(), sum.mean(), sum.count()), (3.0, 3.0, 1));
}

#[test]
fn extremes_neither_overflow_nor_vanish() {
    assert_eq!(mean(&[f64::MAX; 3]), Ok(f64::MAX));
    assert_eq!(mean(&[5e-324, 5e-324]), Ok(5e-324));
    assert_eq!(mean(&[-5e-324, 5e-324]).map(f64::to_bits), Ok(0));
    assert_eq!(mean(&[-0.0]).map(f64::to_bits), Ok(0));
    assert_eq!(mean(&[5e-324, 0.0]), Ok(0.0), "a tie goes to the even one");
    assert_eq!(mean(&[1.5e-323, 0.0]), Ok(1e-323));
    let mut sum = ExactSum::new();
    sum.extend(&[f64::MAX, f64::MAX]);
    assert_eq!(sum.sum(), INFINITY);
    sum.extend(&[-f64::MAX, 1.0]);
    assert_eq!(sum.sum(), f64::MAX);
    assert_eq!(variance(&[f64::MAX, -f64::MAX], 0), Ok(INFINITY));
    assert_eq!(variance(&[f64::MAX; 5], 0).map(f64::to_bits), Ok(0));
    assert_eq!(variance(&[1e-170, -1e-170], 0), Ok(0.0));
    assert_eq!(variance(&[1e150, -1e150], 0), Ok(1e150 * 1e150));
    assert_eq!(variance(&[1e9, 1e9 + 1.0], 1), Ok(0.5));
}

#[test]
fn quantiles_are_those_of_the_order() {
    let values = [3.0, -0.0, 0.0, INFINITY, -INFINITY];
    let at = |probability| quantile(&values, probability, Interpolation::Linear).map(f64::to_bits);
    assert_eq!(at(0.0), Ok((-INFINITY).to_bits()));
    assert_eq!(at(0.25), Ok((-0.0_f64).to_bits()));
    assert_eq!(at(0.5), Ok(0));
    assert_eq!(at(0.9), Ok(INFINITY.to_bits()));
    assert_eq!(at(0.1), Ok((-INFINITY).to_bits()));
    assert_eq!(at(1.0), Ok(INFINITY.to_bits()));
    let both = [-INFINITY, INFINITY];
    assert_eq!(quantile(&both, 0.5, Interpolation::Linear).map(f64::to_bits), Ok(NAN));
    assert_eq!(quantile(&both, 0.5, Interpolation::Lower), Ok(-INFINITY));
    assert_eq!(quantile(&both, 0.5, Interpolation::Higher), Ok(INFINITY));
    assert_eq!(
        quantile(&[1.0, odd_nan()], 0.0, Interpolation::Lower).map(f64::to_bits),
        Ok(NAN)
    );
    for wrong in [-0.1, 1.1, f64::NAN] {
        assert_eq!(
            quantile(&values, wrong, Interpolation::Linear),
            Err(Error::InvalidArgument)
        );
    }
    let mut out = [0.0; 6];
    let probabilities = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
    let sorted = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let mut scratch = [0.0; 6];
    let interpolation = Interpolation::Higher;
    assert_eq!(
        quantiles(&sorted, &probabilities, interpolation, &mut scratch, &mut out),
        Ok(())
    );
    assert_eq!(
        out,
        [1.0, 3.0, 4.0, 4.0, 6.0, 6.0],
        "0.2, 0.4 and 0.8 are a little more than one, two and four fifths"
    );
    let short = quantiles(&sorted, &[0.5], interpolation, &mut scratch[1..], &mut out[..1]);
    assert_eq!(short, Err(Error::LengthMismatch));
    let short = quantiles(&sorted, &[0.5], interpolation, &mut scratch, &mut out);
    assert_eq!(short, Err(Error::LengthMismatch));
}

#[test]
fn sketches_have_edges() {
    for precision in [0, 13] {
        assert_eq!(QuantileSketch::new(precision).map(|_| ()), Err(Error::InvalidArgument));
    }
    let mut sketch = QuantileSketch::new(7).expect("a precision");
    assert_eq!(sketch.quantile(0.5), Err(Error::TooFew));
    sketch.extend(&[-INFINITY, -INFINITY, 5e-324, 1.0, INFINITY, INFINITY]);
    assert_eq!(sketch.quantile(2.0), Err(Error::InvalidArgument));
    assert_eq!(sketch.quantile(0.2), Ok(-INFINITY));
    assert_eq!(sketch.quantile(0.8), Ok(INFINITY));
    assert_eq!(
        sketch.merge(&QuantileSketch::new(8).expect("a precision")),
        Err(Error::InvalidArgument)
    );
    sketch.extend(&[odd_nan()]);
    assert_eq!(sketch.quantile(0.5).map(f64::to_bits), Ok(NAN));
    assert_eq!(sketch.count(), 7);
}

#[test]
fn bins_have_their_lower_edge() {
    let bins = Bins::new(0.0, 1.0, 10).expect("bins");
    let edges: Vec<f64> = (0..=10).map(|index| bins.edge(index)).collect();
    let mut counts = [0; 10];
    let outside = bins.count(&edges, &mut counts).expect("as many counts as bins");
    assert_eq!((counts, outside), ([1, 1, 1, 1, 1, 1, 1, 1, 1, 2], Outside::default()));
    let outside = bins.count(&[-0.0, -5e-324, 1.5, INFINITY, -INFINITY, odd_nan()], &mut counts);
    let expected = Outside {
        below: 2,
        above: 2,
        nans: 1,
    };
    assert_eq!((outside, counts[0]), (Ok(expected), 2));
    assert_eq!(bins.count(&[], &mut counts[1..]), Err(Error::LengthMismatch));
    for (lower, upper, count) in [
        (0.0, 1.0, 0),
        (1.0, 1.0, 1),
        (f64::NAN, 1.0, 1),
        (0.0, INFINITY, 1),
        (-f64::MAX, f64::MAX, 1),
    ] {
        assert_eq!(Bins::new(lower, upper, count), Err(Error::InvalidArgument));
    }
    let tiny = Bins::new(0.0, 5e-324, 3).expect("bins");
    let mut counts = [0; 3];
    assert_eq!(tiny.count(&[0.0, 5e-324], &mut counts), Ok(Outside::default()));
    assert_eq!(counts.iter().sum::<u64>(), 2);
}

#[test]
fn filters_give_the_same_in_pieces() {
    let values: Vec<f64> = (0_u32..100).map(|i| f64::from(i * 37 % 101) - 50.0).collect();
    for length in [1, 2, 7, 8, 9, 100, 130] {
        let mut taps = vec![0.0; length];
        low_pass_taps(0.1, &mut taps).expect("taps");
        let mut whole = vec![0.0; values.len()];
        fir(&values, &taps, &mut whole).expect("the lengths are the same");
        let mut filter = Fir::new(&taps).expect("there are taps");
        let mut pieces = vec![0.0; values.len()];
        for (values, out) in values.chunks(13).zip(pieces.chunks_mut(13)) {
            filter.process(values, out).expect("the lengths are the same");
        }
        assert_eq!(pieces, whole);
        let mut same = vec![0.0; values.len()];
        resample(&values, 1, 1, &taps, &mut same).expect("the lengths are right");
        assert_eq!(same, whole);
    }
    assert_eq!(fir(&values, &[], &mut [0.0; 100]), Err(Error::TooFew));
    assert_eq!(fir(&values, &[1.0], &mut [0.0; 99]), Err(Error::LengthMismatch));
    assert_eq!(Fir::new(&[]).map(|_| ()), Err(Error::TooFew));
    let mut out = [0.0; 3];
    assert_eq!(fir(&[odd_nan(), INFINITY, 1.0], &[0.0], &mut out), Ok(()));
    assert_eq!(out.map(f64::to_bits), [NAN, NAN, 0]);
    assert_eq!(
        Fir::new(&[1.0]).expect("a tap").process(&[1.0], &mut []),
        Err(Error::LengthMismatch)
    );
    assert_eq!(low_pass_taps(0.1, &mut []), Err(Error::TooFew));
    for cutoff in [0.0, 0.5, f64::NAN] {
        assert_eq!(low_pass_taps(cutoff, &mut out), Err(Error::InvalidArgument));
    }
}

#[test]
fn biquads_do_what_they_are_called() {
    let constant = [1.0; 400];
    let alternating: Vec<f64> = (0..400).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let settled = |coefficients: Result<BiquadCoefficients, Error>, values: &[f64]| {
        let mut filter = Biquad::new(&[coefficients.expect("valid"); 2]).expect("sections");
        let mut out = [0.0; 400];
        filter.process(values, &mut out).expect("the lengths are the same");
        out[399].abs()
    };
    let quality = std::f64::consts::FRAC_1_SQRT_2;
    assert!((settled(BiquadCoefficients::low_pass(0.1, quality), &constant) - 1.0).abs() < 1e-12);
    assert!(settled(BiquadCoefficients::low_pass(0.1, quality), &alternating) < 1e-12);
    assert!((settled(BiquadCoefficients::high_pass(0.1, quality), &alternating) - 1.0).abs() < 1e-12);
    assert!(settled(BiquadCoefficients::high_pass(0.1, quality), &constant) < 1e-12);
    assert!(settled(BiquadCoefficients::band_pass(0.1, quality), &constant) < 1e-12);
    assert!(settled(BiquadCoefficients::band_pass(0.1, quality), &alternating) < 1e-12);
    for (frequency, quality) in [(0.0, 1.0), (0.5, 1.0), (f64::NAN, 1.0), (0.1, 0.0), (0.1, INFINITY)] {
        assert_eq!(
            BiquadCoefficients::low_pass(frequency, quality),
            Err(Error::InvalidArgument)
        );
    }
    let wrong = BiquadCoefficients {
        a1: f64::NAN,
        ..BiquadCoefficients::default()
    };
    assert_eq!(Biquad::new(&[wrong]).map(|_| ()), Err(Error::InvalidArgument));
    assert_eq!(Biquad::new(&[]).map(|_| ()), Err(Error::TooFew));
    let mut filter = Biquad::new(&[BiquadCoefficients::default()]).expect("a section");
    assert_eq!(filter.process(&[1.0], &mut []), Err(Error::LengthMismatch));
    let mut out = [0.0];
    assert_eq!(filter.process(&[odd_nan()], &mut out), Ok(()));
    assert_eq!(out[0].to_bits(), NAN);
}

#[test]
fn spectra_find_a_tone() {
    for length in [0, 3, 12] {
        assert_eq!(Spectrum::new(length).map(|_| ()), Err(Error::NotPowerOfTwo));
    }
    assert_eq!(Spectrum::new(1 << 25).map(|_| ()), Err(Error::InvalidArgument));
    let mut spectrum = Spectrum::new(8).expect("a power of two");
    let tone = [1.0, 0.0, -1.0, 0.0, 1.0, 0.0, -1.0, 0.0];
    let mut power = [0.0; 5];
    assert_eq!(spectrum.power(&tone, Window::Rectangular, &mut power), Ok(()));
    assert_eq!(power, [0.0, 0.0, 16.0, 0.0, 0.0]);
    assert_eq!(spectrum.power(&[1.0; 8], Window::Hann, &mut power), Ok(()));
    assert_eq!(power[..2], [16.0, 4.0]);
    assert!(power[2..].iter().all(|power| *power < 1e-30));
    assert_eq!(
        spectrum.power(&tone, Window::Hann, &mut power[1..]),
        Err(Error::LengthMismatch)
    );
    assert_eq!(
        spectrum.power(&tone[1..], Window::Hann, &mut power),
        Err(Error::LengthMismatch)
    );
    assert_eq!(spectrum.power(&[odd_nan(); 8], Window::Hann, &mut power), Ok(()));
    assert_eq!(power.map(f64::to_bits), [NAN; 5]);
    let mut one = Spectrum::new(1).expect("a power of two");
    assert_eq!(one.power(&[3.0], Window::Rectangular, &mut power[..1]), Ok(()));
    assert_eq!((power[0], one.len()), (9.0, 1));
}

#[test]
fn windows_must_fit() {
    assert_eq!(rolling_length(3, 0), Err(Error::InvalidArgument));
    assert_eq!(rolling_length(3, 4), Err(Error::TooFew));
    assert_eq!(
        rolling(&[1.0], 1, Rolling::Variance, &mut [0.0]),
        Err(Error::InvalidArgument)
    );
    assert_eq!(rolling(&[1.0], 1, Rolling::Mean, &mut []), Err(Error::LengthMismatch));
    let values = [1.0, odd_nan(), 2.0, INFINITY, -3.0, 4.0];
    let mut out = [0.0; 5];
    for (statistic, last) in [(Rolling::Mean, 0.5), (Rolling::Maximum, 4.0)] {
        assert_eq!(rolling(&values, 2, statistic, &mut out), Ok(()));
        assert_eq!((out[0].to_bits(), out[1].to_bits()), (NAN, NAN));
        assert_eq!((out[2], out[3], out[4]), (INFINITY, INFINITY, last));
    }
    assert_eq!(rolling(&values, 2, Rolling::Minimum, &mut out), Ok(()));
    assert_eq!((out[1].to_bits(), out[2], out[3], out[4]), (NAN, 2.0, -3.0, -3.0));
}

#[test]
fn resampling_counts_and_keeps_the_level() {
    assert_eq!(resampled_length(10, 3, 2), Ok(15));
    assert_eq!(resampled_length(3, 1, 2), Ok(2));
    assert_eq!(resampled_length(0, 3, 2), Ok(0));
    assert_eq!(resampled_length(1, 0, 2), Err(Error::InvalidArgument));
    assert_eq!(resampled_length(usize::MAX, 2, 2), Err(Error::InvalidArgument));
    let mut taps = [0.0; 31];
    low_pass_taps(1.0 / 6.0, &mut taps).expect("taps");
    for tap in &mut taps {
        *tap *= 3.0;
    }
    let mut out = [0.0; 300];
    assert_eq!(resample(&[1.0; 200], 3, 2, &taps, &mut out), Ok(()));
    assert!((out[200] - 1.0).abs() < 1e-2);
    assert_eq!(resample(&[1.0], 3, 2, &[], &mut out), Err(Error::TooFew));
    assert_eq!(resample(&[1.0], 3, 2, &taps, &mut out), Err(Error::LengthMismatch));
    let mut doubled = [0.0; 6];
    assert_eq!(resample(&[1.0, 2.0, 3.0], 2, 1, &[1.0, 1.0], &mut doubled), Ok(()));
    assert_eq!(doubled, [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
}

#[test]
fn streams_take_what_fits() {
    let mut stream = Stream::new(2, 3, Some(Fir::new(&[0.5, 0.5]).expect("taps"))).expect("a stream");
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    assert_eq!(stream.push(&values), Ok(6));
    assert_eq!((stream.push(&values), stream.ready()), (Ok(0), 2));
    let mut out = [0.0; 3];
    assert_eq!(stream.pop(&mut out[1..]), Err(Error::LengthMismatch));
    let report = stream.pop(&mut out).expect("room").expect("a block");
    assert_eq!((report.length, report.mean, report.variance), (3, 2.0, 1.0));
    assert_eq!((report.checksum, out), (checksum(&values[..3]), [0.5, 1.5, 2.5]));
    assert_eq!(stream.push_checked(&values[6..], 1), Err(Error::ChecksumMismatch));
    assert_eq!(stream.push_checked(&values[6..], checksum(&values[6..])), Ok(1));
    stream.finish();
    stream.finish();
    assert_eq!(stream.push(&[]), Err(Error::StreamEnded));
    assert!(stream.pop(&mut out).expect("room").is_some());
    assert_eq!(out, [3.5, 4.5, 5.5]);
    let report = stream.pop(&mut out).expect("room").expect("a block");
    assert_eq!((report.length, report.variance, out[0]), (1, 0.0, 6.5));
    assert_eq!(stream.pop(&mut out), Ok(None));
    for (blocks, length) in [
        (0, 1),
        (1, 0),
        (usize::MAX, 2),
        (2, Stream::MAX_VALUES),
        (Stream::MAX_BLOCKS + 1, 1),
    ] {
        assert_eq!(
            Stream::new(blocks, length, None).map(|_| ()),
            Err(Error::InvalidArgument)
        );
    }
    let mut plain = Stream::new(1, 1, None).expect("a stream");
    assert_eq!(plain.push(&[odd_nan()]), Ok(1));
    assert!(plain.pop(&mut out).expect("room").is_some());
    assert_eq!(out[0].to_bits(), NAN);
}

#[test]
fn checksums_are_those_of_the_bytes() {
    assert_eq!(checksum(&[]), 0);
    let text = f64::from_le_bytes(*b"12345678");
    assert_eq!(checksum(&[text]), 0x9ae0_daaf);
    assert_ne!(checksum(&[0.0]), checksum(&[-0.0]));
}

#[test]
fn errors_say_something_of_their_own() {
    let mut messages = Error::ALL.map(|error| error.to_string());
    messages.sort();
    assert!(messages.windows(2).all(|pair| pair[0] != pair[1]));
}
