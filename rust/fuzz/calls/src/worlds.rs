//! The functions that the WIT worlds export, natively. A component has no pointers: what is hostile is in the values.

use email_validator_wasm::{Guest as _, WitConfig};
use sealed_box_wasm::{Algorithm, Guest as _, Item, Operation, Options};
use signal_stats_wasm::{Guest as _, Histogram, Interpolation, Section, Statistic, Window};

use crate::Choices;
use crate::email_validator::{TYPES, WORDS};

/// Decides about one address.
///
/// # Panics
///
/// If a decision is none, or another one when the address is checked once more.
pub fn email_validator(choices: &mut Choices<'_>) {
    let options = WitConfig {
        require_top_level_domain: choices.one_in(2),
        allow_domain_literal: choices.one_in(2),
        blocked_emails: (0..choices.below(4)).map(|_| choices.pick(&TYPES).to_owned()).collect(),
    };
    let mut text = Vec::new();
    while !choices.is_empty() && text.len() < 400 {
        match choices.one_in(6) {
            true => text.push(choices.byte()),
            false => text.extend_from_slice(choices.pick(&WORDS).as_bytes()),
        }
    }
    // What is no text cannot come in.
    let candidate = String::from_utf8_lossy(&text).into_owned();
    let first = email_validator_wasm::Component::is_valid_email(candidate.clone(), options.clone());
    let again = email_validator_wasm::Component::is_valid_email(candidate, options);
    assert_eq!(first, again);
    assert!(first.is_err() || first.is_ok_and(|decision| decision.starts_with("{\"decision\":\"")));
}

const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::Xchacha20Poly1305,
    Algorithm::Aes256Gcm,
    Algorithm::Aes256GcmSiv,
    Algorithm::Chacha20Poly1305,
    Algorithm::HmacSha256,
    Algorithm::HmacSha512,
    Algorithm::HkdfSha256,
    Algorithm::Ed25519,
    Algorithm::X25519,
];

/// Calls the functions of one instance, also with handles that were closed or never given.
///
/// # Panics
///
/// If a closed handle is not closed.
pub fn sealed_box(choices: &mut Choices<'_>) {
    type Instance = sealed_box_wasm::Component;
    let everything = Options {
        algorithms: Some(ALGORITHMS.into()),
        allow_caller_nonces: true,
        allow_export: true,
    };
    // The instance of this thread may have been configured before.
    let _ = Instance::configure(everything);
    let mut keys: Vec<u64> = ALGORITHMS
        .iter()
        .filter_map(|kind| Instance::import_key(*kind, 1, vec![7; 32]).ok())
        .collect();
    let mut streams = vec![0];
    let mut answer = Vec::new();
    while !choices.is_empty() {
        let function = choices.below(24);
        let key = choices.pick(&keys);
        let key = if choices.one_in(16) { choices.word() } else { key };
        let (first, second) = (bytes(choices, &answer), bytes(choices, &answer));
        let made = match function {
            0 => Instance::seal(key, first, second),
            1 => Instance::open(key, first, second),
            2 => Instance::encrypt(key, first, second, bytes(choices, &answer)),
            3 => Instance::decrypt(key, first, second, bytes(choices, &answer)),
            4 => Instance::hash(key, first),
            5 => Instance::check_hash(key, first, second).map(|()| Vec::new()),
            6 => Instance::derive(key, first, second, choices.number(&[32, 0, 8160, 8161])),
            7 => Instance::sign(key, first),
            8 => Instance::verify(key, first, second).map(|()| Vec::new()),
            9 => Instance::export_key(key),
            10 => Instance::public_half(key),
            11 => {
                let items = [(first.clone(), second.clone()), (second, first)];
                let items = items.into_iter().map(|(data, associated)| Item { data, associated });
                let operation = choices.pick(&[
                    Operation::Seal,
                    Operation::Open,
                    Operation::Hash,
                    Operation::Verify,
                    Operation::Sign,
                ]);
                Instance::batch(operation, key, items.take(choices.below(3)).collect())
            }
            12 => {
                let stream = choices.pick(&streams);
                Instance::push_stream(stream, first)
            }
            13 => Instance::finish_stream(choices.pick(&streams)),
            14 => {
                assert!(Instance::equal(first.clone(), first.clone()));
                assert_eq!(Instance::equal(first.clone(), second.clone()), first == second);
                continue;
            }
            15 => {
                Instance::close_key(key);
                assert!(Instance::export_key(key).is_err(), "a closed key is closed");
                continue;
            }
            _ => {
                let kind = choices.pick(&ALGORITHMS);
                let (list, handle) = match function {
                    16 => (&mut keys, Instance::import_key(kind, 2, first)),
                    17 => (&mut keys, Instance::import_public_key(kind, 2, first)),
                    18 => (&mut keys, Instance::generate_key(kind, 2)),
                    19 => (&mut keys, Instance::derive_key(key, first, second, kind, 2)),
                    20 => (&mut keys, Instance::agree(key, first, 2)),
                    21 => (&mut streams, Instance::seal_stream(key, first)),
                    22 => (&mut streams, Instance::open_stream(key, first)),
                    _ => (&mut streams, Instance::hash_stream(key)),
                };
                list.extend(handle.ok());
                continue;
            }
        };
        answer = made.unwrap_or_default();
    }
    keys.into_iter().for_each(Instance::close_key);
    streams.into_iter().for_each(Instance::close_stream);
}

/// Bytes of a length that means something, or what was answered before, with a flaw or without.
fn bytes(choices: &mut Choices<'_>, answer: &[u8]) -> Vec<u8> {
    if choices.one_in(3) {
        let mut bytes = answer.to_vec();
        if !bytes.is_empty() && choices.one_in(2) {
            let flaw = choices.below(bytes.len().min(65_536));
            bytes[flaw] ^= choices.byte();
        }
        return bytes;
    }
    let length = choices.pick(&[32, 24, 12, 64, 0, 1, 16, 100]);
    (0..length).map(|_| choices.byte()).collect()
}

/// Calls one function, whose lists have any lengths.
///
/// # Panics
///
/// If a result does not have the length that belongs to its arguments.
pub fn signal_stats(choices: &mut Choices<'_>) {
    type Instance = signal_stats_wasm::Component;
    while !choices.is_empty() {
        let function = choices.below(12);
        let (values, others) = (numbers(choices), numbers(choices));
        let count = values.len();
        let length = match function {
            0 => Instance::mean(values).map(|_| (0, 0)),
            1 => Instance::variance(values, choices.number(&[0, 1, 2])).map(|_| (0, 0)),
            2 => Instance::covariance(values, others, choices.number(&[0, 1, 2])).map(|_| (0, 0)),
            3 => {
                let kinds = [Interpolation::Linear, Interpolation::Lower, Interpolation::Higher];
                let (expected, kind) = (others.len(), choices.pick(&kinds));
                Instance::quantiles(values, others, kind).map(|results| (results.len(), expected))
            }
            4 => {
                let (expected, precision) = (others.len(), choices.number(&[1, 7, 12, 0, 13]));
                Instance::sketch_quantiles(values, others, precision).map(|results| (results.len(), expected))
            }
            5 => {
                let (lower, upper) = (number(choices), number(choices));
                // What asks for gigabytes is for a host's limits, not for a fuzzer.
                let bins = choices.number(&[1, 8, 0, 100]) % 4096;
                Instance::count_bins(values, lower, upper, bins).map(
                    |Histogram {
                         counts,
                         below,
                         above,
                         nans,
                     }| {
                        assert_eq!(counts.iter().sum::<u64>() + below + above + nans, count as u64);
                        (counts.len(), bins as usize)
                    },
                )
            }
            6 => Instance::filter(values, others).map(|results| (results.len(), count)),
            7 => {
                let section = |choices: &mut Choices<'_>| Section {
                    b0: number(choices),
                    b1: number(choices),
                    b2: number(choices),
                    a1: number(choices),
                    a2: number(choices),
                };
                let sections = (0..choices.below(3)).map(|_| section(choices)).collect();
                Instance::biquad(values, sections).map(|results| (results.len(), count))
            }
            8 => {
                let shape = choices.pick(&[Window::Rectangular, Window::Hann]);
                Instance::power(values, shape).map(|results| (results.len(), count / 2 + 1))
            }
            9 => {
                let kinds = [
                    Statistic::Mean,
                    Statistic::Variance,
                    Statistic::Minimum,
                    Statistic::Maximum,
                ];
                let (width, kind) = (choices.number(&[1, 2, 8, 0]), choices.pick(&kinds));
                Instance::rolling(values, width, kind).map(|results| (results.len(), count + 1 - width as usize))
            }
            10 => {
                let (up, down) = (choices.number(&[1, 2, 3, 0]) % 64, choices.number(&[1, 2, 3, 0]));
                Instance::resample(values, up, down, others)
                    .map(|results| (results.len(), (count * up as usize).div_ceil(down as usize)))
            }
            _ => {
                Instance::checksum(values);
                continue;
            }
        };
        assert!(
            length.is_err() || length.is_ok_and(|(results, expected)| results == expected),
            "{function}"
        );
    }
}

fn number(choices: &mut Choices<'_>) -> f64 {
    let values = [
        0.0,
        1.0,
        -1.0,
        0.5,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
    ];
    if choices.one_in(4) {
        f64::from_bits(choices.word())
    } else {
        choices.pick(&values)
    }
}

fn numbers(choices: &mut Choices<'_>) -> Vec<f64> {
    (0..choices.below(34)).map(|_| number(choices)).collect()
}
