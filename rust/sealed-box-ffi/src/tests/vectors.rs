//! The vectors of Wycheproof through the C functions.

#[path = "../../../vectors/sealed_box_reader.rs"]
mod reader;

use reader::{Vector, run_all};

use super::{Box, Status};

#[test]
fn every_vector_gives_what_it_says() {
    let sealed_box = Box::everything();
    run_all(|vector| {
        let outcome = match vector.algorithm() {
            "AES-256-GCM" => seal(&sealed_box, vector, 0x0101),
            "ChaCha20-Poly1305" => seal(&sealed_box, vector, 0x0102),
            "XChaCha20-Poly1305" => seal(&sealed_box, vector, 0x0103),
            "AES-256-GCM-SIV" => seal(&sealed_box, vector, 0x0104),
            "HMAC-SHA-256" => hash(&sealed_box, vector, 0x0201),
            "HMAC-SHA-512" => hash(&sealed_box, vector, 0x0202),
            "HKDF-SHA-256" => derive(&sealed_box, vector),
            "Ed25519" => verify(&sealed_box, vector),
            "X25519" => agree(&sealed_box, vector),
            other => panic!("{other} is not offered"),
        };
        let code = outcome.map_or_else(|status| status as i32, |()| 0);
        assert_eq!(code, i32::from(vector.expected()), "{}", vector.name());
    });
}

fn seal(sealed_box: &Box, vector: &Vector, algorithm: u32) -> Result<(), Status> {
    let key = sealed_box.import(algorithm, &vector.bytes("key"))?;
    let [nonce, associated, message, sealed] =
        ["nonce", "associated", "message", "sealed"].map(|field| vector.bytes(field));
    let opened = sealed_box.decrypt(&key, &nonce, &associated, &sealed)?;
    assert_eq!(opened, message, "{}", vector.name());
    let again = sealed_box.encrypt(&key, &nonce, &associated, &message)?;
    assert_eq!(again, sealed, "{}", vector.name());
    Ok(())
}

/// A tag that was cut to half is never accepted; what it was cut from is compared here.
fn hash(sealed_box: &Box, vector: &Vector, algorithm: u32) -> Result<(), Status> {
    let key = sealed_box.import(algorithm, &vector.bytes("key"))?;
    let (message, tag) = (vector.bytes("message"), vector.bytes("tag"));
    let whole = sealed_box.hash(&key, &message)?;
    let checked = sealed_box.check_hash(&key, &message, &tag);
    if tag.len() == whole.len() {
        return checked;
    }
    assert_eq!(checked, Err(Status::Rejected), "{}", vector.name());
    if whole.starts_with(&tag) {
        Ok(())
    } else {
        Err(Status::Rejected)
    }
}

fn derive(sealed_box: &Box, vector: &Vector) -> Result<(), Status> {
    let key = sealed_box.import(0x0301, &vector.bytes("key"))?;
    let output = sealed_box.derive(&key, &vector.bytes("salt"), &vector.bytes("info"), vector.length())?;
    assert_eq!(output, vector.bytes("output"), "{}", vector.name());
    Ok(())
}

fn verify(sealed_box: &Box, vector: &Vector) -> Result<(), Status> {
    let key = sealed_box.import_public(&vector.bytes("public"))?;
    sealed_box.verify(&key, &vector.bytes("message"), &vector.bytes("signature"))
}

fn agree(sealed_box: &Box, vector: &Vector) -> Result<(), Status> {
    let key = sealed_box.import(0x0501, &vector.bytes("key"))?;
    let shared = sealed_box.agree(&key, &vector.bytes("public"))?;
    assert_eq!(sealed_box.export(&shared)?, vector.bytes("shared"), "{}", vector.name());
    Ok(())
}
