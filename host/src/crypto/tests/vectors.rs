//! Keys and signatures over [`MESSAGE`], made by OpenSSL, which shares no code with ring. The private keys are gone.

pub(super) const MESSAGE: &[u8] = b"what is signed";
pub(super) const RSA: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjP7v4RvoWNp+0XVaH6cz
IMQLTPrwucq1WvMlqOOW7nbcZll+1CB+U0gAuGswTe6uqlRv6ekVxeS83xqESpdg
/GR0RSbOawpAWqlxjGV6JciL+xeeHACVaHvoVCIyX0EgX+MyEn8/RTXCavvlBjTV
7UqVdk6+16rSeQN/FybPEkj2nYXI1ON1Kq1AKAYCedi9iTJl9WJrAPTB+udH+P/E
YQz6z8DJToc/rrumj3k9Ge47eu75xFRtRkF+ZAe6wLqSXe8VPM7xZ8+yHx+kbkqg
ak8KNBAvMAzXRXzRPHoPomDbnEalXR/314AcDupD4aNiyogojvoUdsZUTtRO0TGc
nQIDAQAB
-----END PUBLIC KEY-----";
pub(super) const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCuFoaCQVKaBlt05OD+ZgS+gXuG
ahrzdVU4zY96JqI5POkql2RspQrirhqsMvSKMsI69OHwoMYTHN9RWEVHsgHOr8Do
2oFsKyICkP5FGo7ruK5Fk2VaWMoJMOCSAeGTO+6ifniAMj2Kw9duHpxyKLb/wbKC
TCdyhMQyVf5kqhj1LQIDAQAB
-----END PUBLIC KEY-----";
pub(super) const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsd3uIyoTa1aDLxnuFz4ETAdvZmxf
8RwnbfKbc/jFJa3PH6EyvlBD1LNSicYBnouyf74YcqxUx5CMU2us2qrdtA==
-----END PUBLIC KEY-----";
pub(super) const P384: &str = "-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEcjNT9k95Pv4xkWyb+KwadbLfQEvMWwM1
DRq01Ysg2Lu4dx+JJ2q680dfPwSjg3z83tHq4MQYRQEmhERtgHrnAIWtc0D7fezu
c5iHcpgTC1X43KZXe069mL+FNybUVXmS
-----END PUBLIC KEY-----";
pub(super) const P521: &str = "-----BEGIN PUBLIC KEY-----
MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBJjECZfQRFIouo+/7Buk5zlUrWOWH
E5amweBBHd6pHFBCEH2Copwv4q8BK3K+g+Bk8BNanyUcLxbLXTKf6cQ/n0kAPGvh
f+TV4Ssu/0MJUnNLoqBuKgp7Ae2lmaBlERPoZJoIVqyV+AugPnPDU9q7XB/+x0AI
i95ud2RSet0F00mvOXE=
-----END PUBLIC KEY-----";
pub(super) const ED25519: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAkDIuWP+ZkQptr+cpmYFTVlGAmgN5O19pcni8RpXDerI=
-----END PUBLIC KEY-----";
pub(super) const RSA_MODULUS: &str = "jP7v4RvoWNp-0XVaH6czIMQLTPrwucq1WvMlqOOW7nbcZll-1CB-U0gAuGswTe6uqlRv6ekVxeS83xqESpdg_GR0RSbOawpAWqlxjGV6JciL-xeeHACVaHvoVCIyX0EgX-MyEn8_RTXCavvlBjTV7UqVdk6-16rSeQN_FybPEkj2nYXI1ON1Kq1AKAYCedi9iTJl9WJrAPTB-udH-P_EYQz6z8DJToc_rrumj3k9Ge47eu75xFRtRkF-ZAe6wLqSXe8VPM7xZ8-yHx-kbkqgak8KNBAvMAzXRXzRPHoPomDbnEalXR_314AcDupD4aNiyogojvoUdsZUTtRO0TGcnQ";
/// Of `P256`.
pub(super) const P256_POINT: (&str, &str) =
    ("sd3uIyoTa1aDLxnuFz4ETAdvZmxf8RwnbfKbc_jFJa0", "zx-hMr5QQ9SzUonGAZ6Lsn--GHKsVMeQjFNrrNqq3bQ");
pub(super) const SECRET: [u8; 64] = [b'k'; 64];
pub(super) const RS256: &str = "cJfJ9n4hTKJb_yefMXkNLLKO5BCmhLEEEAppRnQNOnWuDBQaacFgUfOfIKhzhDO0oqvFW9kpdsPidwGCbUIMFxxeb1TnLVn5xqHi4tEPKAA0ejxzNmBdOr4ZJ0QT0IB1prenXMA0QNoxWsya0w4zl2PVi1bXnDr5qIjJK5uLkHzE4_T2epOq_uRt_AZBO8w62DkNOrDJEx1j6FkNgSTmnqv_YLXYaO6pUbe0WAGHyWJY1Awku4jfAZwx3ndbynjST8KdgG8OZtESfAtVf-Hjl951e5sC8K4KPeAdum_kxMf9CeX4PRQ0vTQJiQu8jxWAWoZB8xkBNmu191KIXh7aNQ";
pub(super) const RS384: &str = "DNRGyoz5OeIzfjPbLCXA_-ggmvTOpv7xrE_RYvoKpwoFezCGIzqFiQ1KQBv6kPpgw6mnr30hinxcifN5w0C-26ZC9nWtNWV944cML0ugWro59wiWVgtdmy30QYUaaZc7B-0TcjuOqfDMceKazqiVRNs8XjoqbobcGwBcTw_eIycE9laav0S8xMYO8WGDZS0jF5nXKQy3oN9t3iav57lcDxC3iyl-CpqwE8ipnsDX_45KeJKDsQeTLsRc7uMAZf0xS_TBDNSwoz-XJzYPSQYokff2HMWAwamsiQUTcLTLKVzIf6ViceNvizzc3i62mYP_fh6ylS5OyGC0edr07sU6Yg";
pub(super) const RS512: &str = "GI0LkrFwY5C9NdksmfPSZ1BPMlz-W6xP5scWwCOQuj9kdXFFrEQkZV78wqD3n38i8u3iw5lR8v37wraQyGkppdIKkV2PYDAoKtMv3tTYR5U7TpzpeUbPVoQEV3dfyk0Ha7x9im-dxb6aL6NhZclg8mLKzH_lAqqWdQoHFole0HBcO3vRpd9NNssaEmpxYobciG5xUEGT-OOEfy1nOThaTCAtbKomtnbwNgpCVCnSimFiaKhuREBwVf2xIONIGf-FZUckiy_WdeA6BsRuA1R1B4c46sUGKvm8EhDOhFmzWDlmtPZc5A2EAsTKr4tox_TkmbueThnfDImoob5Gi8mjQQ";
pub(super) const PS256: &str = "PpQbfkuoPv20FiyYeBufElDYAXtmOjExd8iZKLcbFvl-mWiJZhjHz8aUDjC08nX1kTBubI55UV6G4LPihVlLTfjfYOp7_4aXRPdLzdLF0jsxY2a1dW-53pMiudQ60Y_C0OaaGb22z7yXrubp194GeX5mazOo-uKBWJiZzRdkBNMIdrTO_ZjaH2EY2wsoE70S7rHRRi8iMt3fYI0rTZ2eHSKK5Hgxd7QOW3tvWOTi6UyvbM35S3zQpKeJQS9KiOxRrSorwqnweOzrOWOpvTS6cmAiPbvAt_kyDivzjlx-L_eXZMeH7TDvAMSmvu_K7506IBvoYjLmmwBMgS9F6W04dQ";
pub(super) const PS384: &str = "PShmK9vIjJocCOJ9iySwWgp36uMcTKTK8KQeBlgSTO-wbFTPXEovSBpkbWLTrREzz9wFycBNZsZzzLFMVYzmH7G6TBoWH0X5wL7o2xh6m_bgW1JjXUsQylk0doB4crIBljzh2hhNOnLARcG2AfafQ9Ajqvd6WG_zK3m6XiEXeKrwWQ-RMRXklSEpYPONITalaJqQ1fFC4ScvEHSo1m_5F35ks7fj8oufKcbr6bQdCq7cZVzE8vgxWtdZCbUrKMQ1kQg_bippnhQGJhaIFLEnf40U95eKsUT9wyBJxYJXUDRnwelVi2OpiM0tWMiaXdB4DLI1Ty1ldS_ZcwXR-r3Pww";
pub(super) const PS512: &str = "aiJaiJMw7wDOzoFPNfTz5zW_B0wb895s0YeuZyq5ivK48xT0niZBSOJ9zGqKN7g90Gz22-Ilp11x6C9slt-jF4t6-YU77ifGMGoHuqv9KYwttKD7xrVRjnlRDkaP9gGF-2QmZC4YxHQ4qP2O6Gd0cFxkSVzRu05sIi_MRXebSghZwU9dft55kCBgS0hYCkVnFlf0IXchqaSjr48sCIFzeU3FULEHT20WYNkuYqs29mOGK45UCNcIkp2UBGkJpYtMkUBVBVeXS-VmlWDGjk3ugk_p5TbnJUIXYnmg5NZfjej4jvZU0qyihiu6ul474q3hD0mTsrkz5uNthNZlBtmc2Q";
pub(super) const ES256: &str = "ZG1UkH8Xk7qnHgISrmZKKwz4-SAp5H9mfOQuuaDZvQKDlKZrsql0mVZ2GgDcEQasPGda1WUNBTakVuZMEPUXYw";
pub(super) const ES384: &str = "TeNXjh0G7uOmZmDfDkY1LfHC88Wblz0McDgck6SNXII7XKitxca1YzGyAmsF-QLFtAx-73r5nGkg0QPMKju9ReC2NSgjkcvFxHjndNp-budk9wUUJuDwnNUeCVaQf6Nr";
pub(super) const EDDSA: &str = "OXwKYMLHDCtIsZoiWOH6JtHFZb9SnmzdO0WKoFZOxKQudpvYn0uDC5W0MkZQn7OogMFT6Ec0w8aWTXIscUl0Cg";
pub(super) const HS256: &str = "ZQeuuA7rmX5BJaLlhesdox5tWeocGT7LAkBtZLb-fA0";
pub(super) const HS384: &str = "bdbzVLaXxpO8yhj_33Jj93rzucyS5oVzgYUUkmv9MARFlANhCWTtwh57KUS1UXQA";
pub(super) const HS512: &str = "Mx-uUU6TJ-OhJV6tcZIjUa3EFa49WSk5QChdHSoJgABfywXSTPfmPiPV9-fGMw_hS8WOZtC13MQcE267hAQTqA";
/// PSS with SHA-256 and a salt of 8 bytes.
pub(super) const PS256_SHORT_SALT: &str = "Rl3TmupTCUY5ksYH-7ZGOX3zJnTYriRVDuSuipBJsCw99lT7JNqkxARhjMZPPTWDC86Ez4UasvNx2SUVQZpGsnGeHfHfJnvRO6mjUp1xQZBZ2Zx2oAb7QC76alMyV4fS2JHcu3BiGZDKnpEv3Qo6lVZG4GhhLnGWlgvDEfDZJThSUjGHwTC-h6sZC4xNl9un1mlc7Frn5RJdE9CvH915M3VHpwh-l4qgd62EGB4sgTbpwIGSBDy4OLRUiMQ8Zq3Ciwletww0HqS9E_wOF6X_o1xm1TXWzVr9Ka1StkZ7BPYnukRoTQpTwXgC24eV626soArXoiatMaokHxWQdyK9Mw";
