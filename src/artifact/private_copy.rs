//! A copy of a stored file that nobody else can reach: what was proved of it stays true.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::artifact::archive::nameless;
use crate::artifact::digest::sha256;

/// A nameless copy of these bytes in the folder `scratch`; `None` where they are not the ones of
/// this SHA-256.
pub fn private_copy(mut file: &File, scratch: &Path, of: &str) -> io::Result<Option<File>> {
    let mut copy = nameless(scratch)?;
    io::copy(&mut file, &mut copy)?;
    Ok((sha256(&copy)? == of).then_some(copy))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_copy_has_the_bytes_that_were_proved_and_no_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.zip");
        fs::write(&path, "abc").expect("a file");
        let of = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let open = || File::open(&path).expect("the file");
        let copy = private_copy(&open(), folder.path(), of)
            .expect("a copy")
            .expect("its bytes");
        fs::write(&path, "abd").expect("other bytes");
        assert_eq!(sha256(&copy).expect("its hash"), of);
        assert!(
            private_copy(&open(), folder.path(), of)
                .expect("a look")
                .is_none()
        );
        assert_eq!(
            fs::read_dir(folder.path()).expect("the folder").count(),
            1,
            "it has no name"
        );
    }
}
