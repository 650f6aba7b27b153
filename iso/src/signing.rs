//! Keys in files, and signing components in files: what the tools of a host have in common.

use anyhow::{Context, Result, bail};
use atoll_signature::{PublicKey, SecretKey, sign};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Ending of the file with the public key, behind the name of the other one.
const PUBLIC: &str = ".pub";

/// Makes a key pair of random bytes in a new file that only its owner can read, and its public key
/// in another one beside it.
///
/// # Errors
/// If there is a file already, or it cannot be written.
pub fn make_key(file: &Path) -> Result<PublicKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("the system gives no random bytes")?;
    let Ok(key) = SecretKey::from_seed(seed) else { bail!("the system's random bytes are zeros") };
    let mut public = file.as_os_str().to_owned();
    public.push(PUBLIC);
    write_new(file, 0o600, &key.write())?;
    write_new(Path::new(&public), 0o644, &key.write_public())?;
    Ok(key.public())
}

fn write_new(file: &Path, mode: u32, bytes: &[u8]) -> Result<()> {
    let created = OpenOptions::new().write(true).create_new(true).mode(mode).open(file);
    let mut created = created.with_context(|| format!("cannot make {}", file.display()))?;
    created.write_all(bytes).with_context(|| format!("cannot write {}", file.display()))
}

/// Reads a file with a key pair.
///
/// # Errors
/// If it cannot be read, or holds none.
pub fn read_key(file: &Path) -> Result<SecretKey> {
    let bytes = read(file)?;
    SecretKey::read(&bytes).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))
}

/// Signs a component, in place or into a folder, which is made if it is not there; where it is.
///
/// # Errors
/// If it is no component, or a file cannot be read or written.
pub fn sign_file(file: &Path, key: &SecretKey, into: Option<&Path>) -> Result<PathBuf> {
    let signed = sign(&read(file)?, key);
    let signed = signed.map_err(|refusal| anyhow::anyhow!("{}: {refusal}", file.display()))?;
    let target = match (into, file.file_name()) {
        (Some(folder), Some(name)) => {
            fs::create_dir_all(folder)?;
            folder.join(name)
        }
        _ => file.to_path_buf(),
    };
    fs::write(&target, signed).with_context(|| format!("cannot write {}", target.display()))?;
    Ok(target)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use atoll_signature::check;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_made_once_and_signs_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let public = make_key(&path("key")).expect("a key");
        assert!(make_key(&path("key")).is_err(), "a key is never written over");
        let mode = fs::metadata(path("key")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let key = read_key(&path("key")).expect("a key");
        assert_eq!(key.public(), public);
        assert_eq!(fs::read(path("key.pub")).expect("a file"), key.write_public());
        assert!(read_key(&path("key.pub")).is_err());

        fs::write(path("a.wasm"), b"\0asm\x0d\0\x01\0\0\x05\x01aone").expect("a component");
        let signed = sign_file(&path("a.wasm"), &key, Some(&path("signed"))).expect("signed");
        assert_eq!(signed, path("signed/a.wasm"));
        let bytes = |path: &Path| fs::read(path).expect("a component");
        assert_eq!(check(&bytes(&signed), &[public]), Ok(0));
        assert!(check(&bytes(&path("a.wasm")), &[public]).is_err());
        assert_eq!(sign_file(&path("a.wasm"), &key, None).expect("signed"), path("a.wasm"));
        assert_eq!(bytes(&path("a.wasm")), bytes(&signed));
        assert!(sign_file(&path("key"), &key, None).is_err());
        assert_ne!(make_key(&path("other")).expect("a key"), public);
    }
}
