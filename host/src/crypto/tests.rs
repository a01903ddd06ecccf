mod vectors;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

use self::vectors::*;
use super::*;

fn pem(algorithm: Algorithm, text: &str) -> Result<Key, KeyError> {
    Key::new(algorithm, &KeyForm::Pem(text.to_owned()))
}

fn jwk(algorithm: Algorithm, text: &str) -> Result<Key, KeyError> {
    Key::new(algorithm, &KeyForm::Jwk(text.to_owned()))
}

fn secret(algorithm: Algorithm, bytes: &[u8]) -> Result<Key, KeyError> {
    Key::new(algorithm, &KeyForm::Secret(bytes.to_vec()))
}

fn bytes(text: &str) -> Vec<u8> {
    base64url::decode(text).expect("it is base64url")
}

/// Each algorithm with its key and the signature of [`MESSAGE`].
fn vectors() -> Vec<(Algorithm, Result<Key, KeyError>, &'static str)> {
    let public = [
        (Algorithm::Rs256, RSA, RS256),
        (Algorithm::Rs384, RSA, RS384),
        (Algorithm::Rs512, RSA, RS512),
        (Algorithm::Ps256, RSA, PS256),
        (Algorithm::Ps384, RSA, PS384),
        (Algorithm::Ps512, RSA, PS512),
        (Algorithm::Es256, P256, ES256),
        (Algorithm::Es384, P384, ES384),
        (Algorithm::EdDsa, ED25519, EDDSA),
    ];
    let secrets = [(Algorithm::Hs256, HS256), (Algorithm::Hs384, HS384), (Algorithm::Hs512, HS512)];
    let public = public.into_iter().map(|(algorithm, key, signature)| (algorithm, pem(algorithm, key), signature));
    let secrets = secrets.into_iter().map(|(algorithm, code)| (algorithm, secret(algorithm, &SECRET), code));
    public.chain(secrets).collect()
}

#[test]
fn every_algorithm_verifies_its_signature_and_no_other() {
    for (algorithm, key, signature) in vectors() {
        let key = key.expect("it is a key");
        for (other, _, tried) in vectors() {
            assert_eq!(key.verify(MESSAGE, &bytes(tried)), algorithm == other, "{algorithm:?} {other:?}");
        }
        let right = bytes(signature);
        assert!(!key.verify(b"what is Signed", &right), "{algorithm:?}");
        assert!(!key.verify(MESSAGE, &[]), "{algorithm:?}");
        assert!(!key.verify(MESSAGE, &right[1..]), "{algorithm:?}");
        assert!(!key.verify(MESSAGE, &[right.as_slice(), &[0]].concat()), "{algorithm:?}");
        assert!(!key.verify(MESSAGE, &vec![0; right.len()]), "{algorithm:?}: all zeros");
        for place in [0, right.len() / 2, right.len() - 1] {
            let mut wrong = right.clone();
            wrong[place] ^= 1;
            assert!(!key.verify(MESSAGE, &wrong), "{algorithm:?}, byte {place}");
        }
    }
}

/// RFC 7518, section 3.5: the salt is as long as the digest.
#[test]
fn a_shorter_salt_is_refused() {
    assert!(!pem(Algorithm::Ps256, RSA).expect("it is a key").verify(MESSAGE, &bytes(PS256_SHORT_SALT)));
}

/// The examples of RFC 7515 (appendix A.1 and A.3) and RFC 8037 (appendix A.4).
#[test]
fn the_examples_of_the_rfcs_verify() {
    const CLAIMS: &str =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let hmac = "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}";
    let ecdsa = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
    let eddsa = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";
    for (algorithm, key, message, signature) in [
        (
            Algorithm::Hs256,
            hmac,
            format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{CLAIMS}"),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        (
            Algorithm::Es256,
            ecdsa,
            format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}"),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            Algorithm::EdDsa,
            eddsa,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ] {
        assert!(
            jwk(algorithm, key).expect("it is a key").verify(message.as_bytes(), &bytes(signature)),
            "{algorithm:?}"
        );
    }
}

#[test]
fn keys_that_were_made_just_now_verify() {
    let random = SystemRandom::new();
    let ecdsa = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("it is made");
    let ecdsa = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ecdsa.as_ref(), &random).expect("it is one");
    let point = ecdsa.public_key().as_ref();
    let encoded = |bytes: &[u8]| {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
        let digits = bits.as_bytes().chunks(6).map(|chunk| format!("{:0<6}", String::from_utf8_lossy(chunk)));
        digits.map(|digits| letters[usize::from_str_radix(&digits, 2).expect("binary")] as char).collect::<String>()
    };
    let (x, y) = (encoded(&point[1..33]), encoded(&point[33..]));
    let key = jwk(Algorithm::Es256, &format!("{{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"{x}\",\"y\":\"{y}\"}}"));
    let signature = ecdsa.sign(&random, MESSAGE).expect("it signs");
    assert!(key.expect("it is a key").verify(MESSAGE, signature.as_ref()));

    let eddsa = Ed25519KeyPair::generate_pkcs8(&random).expect("it is made");
    let eddsa = Ed25519KeyPair::from_pkcs8(eddsa.as_ref()).expect("it is one");
    let x = encoded(eddsa.public_key().as_ref());
    let key = jwk(Algorithm::EdDsa, &format!("{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"{x}\"}}"));
    assert!(key.expect("it is a key").verify(MESSAGE, eddsa.sign(MESSAGE).as_ref()));
}

#[test]
fn a_key_is_for_the_algorithm_that_it_was_made_for() {
    let rsa =
        [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];
    let hmac = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];
    let all = rsa.into_iter().chain(hmac).chain([Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa]);
    for algorithm in all {
        let fits = |key: &str| pem(algorithm, key).is_ok();
        assert_eq!(fits(RSA), rsa.contains(&algorithm), "{algorithm:?}");
        assert_eq!(fits(P256), algorithm == Algorithm::Es256, "{algorithm:?}");
        assert_eq!(fits(P384), algorithm == Algorithm::Es384, "{algorithm:?}");
        assert_eq!(fits(ED25519), algorithm == Algorithm::EdDsa, "{algorithm:?}");
        assert_eq!(secret(algorithm, &SECRET).is_ok(), hmac.contains(&algorithm), "{algorithm:?}");
        assert_eq!(pem(algorithm, P521).err(), Some(KeyError::OtherType), "{algorithm:?}");
    }
    // The text of a public key is no secret of an HMAC, long as it is: it has to be given as one.
    assert_eq!(pem(Algorithm::Hs256, RSA).err(), Some(KeyError::OtherType));
}

#[test]
fn weak_keys_are_refused() {
    assert_eq!(pem(Algorithm::Rs256, RSA_1024).err(), Some(KeyError::RsaSize));
    let rsa =
        |n: &str, e: &str| jwk(Algorithm::Rs256, &format!("{{\"kty\":\"RSA\",\"n\":\"{n}\",\"e\":\"{e}\"}}")).err();
    assert_eq!(rsa(RSA_MODULUS, "AQAB"), None);
    assert_eq!(rsa(RSA_MODULUS, "AAEAAQ"), None, "with a leading zero");
    for exponent in ["AQ", "Ag", "", "AQABAAE"] {
        assert_eq!(rsa(RSA_MODULUS, exponent), Some(KeyError::RsaSize), "{exponent}");
    }
    assert_eq!(rsa("", "AQAB"), Some(KeyError::RsaSize));
    assert_eq!(rsa(&RSA_MODULUS[4..], "AQAB"), Some(KeyError::RsaSize), "24 bits less");
    assert_eq!(rsa(&RSA_MODULUS.repeat(5), "AQAB"), Some(KeyError::RsaSize));
    for (algorithm, least) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
        assert_eq!(secret(algorithm, &SECRET[..least - 1]).err(), Some(KeyError::ShortSecret));
        assert!(secret(algorithm, &SECRET[..least]).is_ok());
    }
}

#[test]
fn a_point_that_is_not_on_the_curve_is_refused() {
    let (x, y) = P256_POINT;
    let point = |x: &str, y: &str| {
        jwk(Algorithm::Es256, &format!("{{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"{x}\",\"y\":\"{y}\"}}")).err()
    };
    assert_eq!(point(x, y), None);
    assert_eq!(point(y, x), Some(KeyError::Point));
    assert_eq!(point(&x[..40], y), Some(KeyError::Point));
    let zero = "A".repeat(43);
    assert_eq!(point(&zero, &zero), Some(KeyError::Point));
}

#[test]
fn what_a_json_web_key_says_of_its_use_must_agree() {
    let with = |more: &str| {
        let text = format!("{{\"kty\":\"RSA\",\"n\":\"{RSA_MODULUS}\",\"e\":\"AQAB\"{more}}}");
        jwk(Algorithm::Rs256, &text).err()
    };
    for good in ["", ",\"alg\":\"RS256\",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"kid\":\"1\",\"x5t\":7"] {
        assert_eq!(with(good), None, "{good}");
    }
    for other in
        [",\"alg\":\"PS256\"", ",\"alg\":\"none\"", ",\"use\":\"enc\"", ",\"key_ops\":[\"sign\"]", ",\"key_ops\":[]"]
    {
        assert_eq!(with(other), Some(KeyError::OtherUse), "{other}");
    }
    assert_eq!(with(",\"d\":\"AQAB\""), Some(KeyError::Private));
    for none in [",\"e\":\"Aw\"", ",\"kty\":\"oct\"", ",", "}"] {
        assert_eq!(with(none), Some(KeyError::Jwk), "{none}");
    }
    for text in ["", "{}", "[]", "null", "{\"kty\":\"RSA\"}", "{\"kty\":\"oct\",\"k\":\"a=\"}", "{\"kty\":\"EC\"}"] {
        assert_eq!(jwk(Algorithm::Rs256, text).err(), Some(KeyError::Jwk), "{text}");
    }
    assert_eq!(jwk(Algorithm::Rs256, &" ".repeat(MOST_FORM + 1)).err(), Some(KeyError::TooLong));
}

#[test]
fn what_is_no_public_key_in_pem_is_refused() {
    for (text, error) in [
        ("", KeyError::Pem),
        ("a secret", KeyError::Pem),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", KeyError::Pem),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", KeyError::Certificate),
        ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", KeyError::Private),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----", KeyError::Private),
    ] {
        assert_eq!(pem(Algorithm::Rs256, text).err(), Some(error), "{text}");
    }
}

#[test]
fn nothing_shows_a_key() {
    assert_eq!(
        format!("{:?}", secret(Algorithm::Hs256, &SECRET).expect("long enough")),
        "Key { algorithm: Hs256, .. }"
    );
}

#[test]
fn a_key_knows_what_it_was_made_of() {
    let key = secret(Algorithm::Hs256, &SECRET).expect("it is long enough");
    assert!(key.is_of(Algorithm::Hs256, &KeyForm::Secret(SECRET.to_vec())));
    assert!(!key.is_of(Algorithm::Hs384, &KeyForm::Secret(SECRET.to_vec())));
    assert!(!key.is_of(Algorithm::Hs256, &KeyForm::Secret(SECRET[..63].to_vec())));
    assert!(!key.is_of(Algorithm::Hs256, &KeyForm::Jwk(String::from_utf8(SECRET.to_vec()).expect("ASCII"))));
}
