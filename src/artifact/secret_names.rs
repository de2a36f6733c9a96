//! Which names tell that what they name is secret.

/// Parts of names that tell of a secret wherever they stand, in small letters and without signs.
const PARTS: [&str; 34] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "pwd",
    "secret",
    "token",
    "hashed",
    "community",
    "privatekey",
    "apikey",
    "accesskey",
    "sharedkey",
    "signingkey",
    "sskey",
    "bearer",
    "credentials",
    "jaas",
    "webhook",
    "keytabpass",
    "authstring",
    "connectionstring",
    "sessionid",
    "motdepasse",
    "contraseña",
    "contrasena",
    "senha",
    "hasło",
    "wachtwoord",
    "пароль",
    "密码",
    "パスワード",
];

/// Words of names that do.
const WORDS: [&str; 9] = ["pass", "pw", "pin", "psk", "jwt", "jwk", "otp", "sig", "dsn"];

/// Words behind those below that say only in which form it is there: `KeyMaterial`, `AuthHeader`, `CookieValue`.
const FORMS: [&str; 16] = [
    "material", "header", "value", "val", "data", "text", "string", "str", "bytes", "blob", "content", "hex",
    "base64", "b64", "raw", "pem",
];

/// Words that tell of a secret where a name ends with them, unless its value is the name of an object.
const LAST_WORDS: [&str; 11] = [
    "auth",
    "authorization",
    "cookie",
    "cred",
    "creds",
    "credential",
    "key",
    "keys",
    "keytab",
    "salt",
    "seed",
];

/// Whether a name of an element, an attribute, a parameter or a key tells of a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    is_secret_word(name) || ends_secretly(name)
}

/// The same, wherever it stands in the name.
pub(super) fn is_secret_word(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    if PARTS.iter().any(|part| plain.contains(part)) {
        return true;
    }
    let words = words(name);
    if words.last().is_some_and(|word| ends_with_password(word)) {
        return true;
    }
    words.iter().enumerate().any(|(index, word)| {
        let goes_through = word == "pass" && words.get(index + 1).is_some_and(|next| next.starts_with("thr"));
        WORDS.contains(&word.as_str()) && !goes_through
    })
}

/// Whether a word is made of another one and a short form of "password": `dbpass`.
fn ends_with_password(word: &str) -> bool {
    let is_another = ["bypass", "compass", "encompass", "trespass"].contains(&word);
    !is_another && (word.ends_with("pass") || word.ends_with("pw"))
}

/// Whether it is its last word that tells so: `BearerAuth`, `EncryptKey`.
pub(super) fn ends_secretly(name: &str) -> bool {
    let is_last = |word: &String| LAST_WORDS.contains(&word.as_str());
    let words = words(name);
    let mut from_behind = words
        .iter()
        .rev()
        .skip_while(|word| FORMS.contains(&word.as_str()));
    from_behind.next().is_some_and(is_last) || name.to_ascii_lowercase().ends_with("key")
}

/// The words of a name, in small letters: `AUKerberosKeytabPass`, `db.pass`, `api-key`.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_small = false;
    for c in name.chars() {
        if (!c.is_alphanumeric() || (c.is_uppercase() && was_small)) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase() || c.is_ascii_digit();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in [
            "Password",
            "HashedPassword",
            "dbPwd",
            "dbpass",
            "db.pass",
            "dbpass\u{2d}word",
            "PASS",
            "AUKerberosKeytabPass",
            "LDAPBindPass",
            "Passcode",
            "Pin",
            "PSK",
            "kafka.psk",
            "Cred",
            "Credential",
            "RedisAuth",
            "BearerAuth",
            "basicAuth",
            "Authorization",
            "X-API-Key",
            "api_key",
            "apiKey",
            "access-token",
            "clientSecret",
            "sasl.jaas.config",
            "{http://www.datapower.com/param/config}pass",
            "var://context/x/password",
            "SharedSecretKey",
            "OTP",
            "ConnectionString",
            "AuthString",
            "PasswordSalt",
            "motDePasse",
            "pw",
            "KeyMaterial",
            "AuthHeader",
            "DSN",
            "odbc-dsn",
            "KeyData",
            "CookieValue",
            "SaltText",
            "CredentialBlob",
            "auth_header_value",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "UserSummary",
            "LocalPort",
            "Bypass",
            "PassThrough",
            "pass-thru",
            "KeyExchange",
            "Name",
            "Spin",
            "Authenticate",
            "AuthMethod",
            "Compass",
            "Pinning",
            "IdCredentialType",
            "Signature",
            "Header",
            "RawData",
            "KeyHeaderName",
            "CookieHeaderName",
            "AuthenticateHeader",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
