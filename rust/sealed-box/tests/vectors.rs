//! The vectors of Wycheproof through the core.

#[path = "../../vectors/from_wycheproof.rs"]
mod from_wycheproof;
#[path = "../../vectors/sealed_box_reader.rs"]
mod reader;
mod surroundings;

use reader::{Vector, run_all};
use sealed_box::{Algorithm, Error};
use surroundings::everything;

#[test]
fn the_file_is_what_the_example_writes() {
    let message = "stale: cargo run -p sealed-box --example vectors > vectors/sealed-box.json";
    assert!(
        from_wycheproof::file() == include_str!("../../vectors/sealed-box.json"),
        "{message}"
    );
}

#[test]
fn every_vector_gives_what_it_says() {
    run_all(|vector| {
        let outcome = match vector.algorithm().parse().expect("an algorithm that is offered") {
            algorithm @ (Algorithm::HmacSha256 | Algorithm::HmacSha512) => hash(vector, algorithm),
            Algorithm::HkdfSha256 => derive(vector),
            Algorithm::Ed25519 => verify(vector),
            Algorithm::X25519 => agree(vector),
            algorithm => seal(vector, algorithm),
        };
        let code = outcome.map_or_else(Error::code, |()| 0);
        assert_eq!(code, vector.expected(), "{}", vector.name());
    });
}

fn seal(vector: &Vector, algorithm: Algorithm) -> Result<(), Error> {
    let sealed_box = everything();
    let key = sealed_box.import(algorithm, 0, &vector.bytes("key"))?;
    let [nonce, associated, message, sealed] =
        ["nonce", "associated", "message", "sealed"].map(|field| vector.bytes(field));
    let opened = sealed_box.decrypt(&key, &nonce, &associated, &sealed)?;
    assert_eq!(*opened, message, "{}", vector.name());
    let again = sealed_box.encrypt(&key, &nonce, &associated, &message)?;
    assert_eq!(again, sealed, "{}", vector.name());
    Ok(())
}

/// A tag that was cut to half is never accepted; what it was cut from is compared here.
fn hash(vector: &Vector, algorithm: Algorithm) -> Result<(), Error> {
    let sealed_box = everything();
    let key = sealed_box.import(algorithm, 0, &vector.bytes("key"))?;
    let (message, tag) = (vector.bytes("message"), vector.bytes("tag"));
    let mut hash = sealed_box.hash(&key)?;
    hash.update(&message);
    let whole = hash.tag();
    let mut hash = sealed_box.hash(&key)?;
    hash.update(&message);
    let checked = hash.check(&tag);
    if tag.len() == whole.len() {
        return checked;
    }
    assert_eq!(checked, Err(Error::Rejected), "{}", vector.name());
    if whole.starts_with(&tag) {
        Ok(())
    } else {
        Err(Error::Rejected)
    }
}

fn derive(vector: &Vector) -> Result<(), Error> {
    let sealed_box = everything();
    let key = sealed_box.import(Algorithm::HkdfSha256, 0, &vector.bytes("key"))?;
    let output = sealed_box.derive(&key, &vector.bytes("salt"), &vector.bytes("info"), vector.length())?;
    assert_eq!(*output, vector.bytes("output"), "{}", vector.name());
    Ok(())
}

fn verify(vector: &Vector) -> Result<(), Error> {
    let sealed_box = everything();
    let key = sealed_box.import_public(Algorithm::Ed25519, 0, &vector.bytes("public"))?;
    sealed_box.verify(&key, &vector.bytes("message"), &vector.bytes("signature"))
}

fn agree(vector: &Vector) -> Result<(), Error> {
    let sealed_box = everything();
    let key = sealed_box.import(Algorithm::X25519, 0, &vector.bytes("key"))?;
    let shared = sealed_box.agree(&key, &vector.bytes("public"), 1)?;
    assert_eq!(
        *sealed_box.export(&shared)?,
        vector.bytes("shared"),
        "{}",
        vector.name()
    );
    Ok(())
}
