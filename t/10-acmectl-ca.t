#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# acmectl ca: a hierarchy made, renewed, signed by another CA, imported; each
# file as openssl sees it; what is refused changes nothing.

use strict;
use warnings;
use Cwd ();
use File::Temp ();
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck qw(sql);
use AcmeServer;

my $dir = File::Temp->newdir('acmectl-ca-XXXXXX', TMPDIR => 1);
my $base = Cwd::realpath("$dir");
chdir $base or die $!;

# (exit code, output, errors); httpd that is none, so that nothing is asked
sub acmectl {
    my (@args) = @_;
    local %ENV = (%ENV, PATH => '/nowhere');
    open my $pipe, '-|', '/bin/sh', '-c', 'exec 2>"$1"; shift; exec "$@"',
        'sh', "$base/stderr", "$AcmeServer::build/acmectl", @args or die $!;
    my $text = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $text, AcmeServer::read_file("$base/stderr"));
}

sub ca { return acmectl('ca', @_) }

sub json {
    my ($code, $text) = acmectl('--json', 'ca', @_);
    return eval { JSON::PP->new->allow_nonref->decode($text) };
}

sub openssl {
    my (@args) = @_;
    open my $pipe, '-|', 'sh', '-c', 'exec 2>&1; exec openssl "$@"', 'sh',
        @args or die $!;
    my $text = do { local $/; <$pipe> } // '';
    close $pipe;
    return $text;
}

# What is in a directory, and when it was written.
sub state_of {
    my ($where) = @_;
    return join ' ', map { my @st = stat; "$_:$st[9]:$st[7]:$st[1]" }
        grep { !/lock$/ } sort glob "$where/*";
}

sub refused {
    my ($what, $want, $like, @args) = @_;
    my ($dir) = "@args" =~ /--dir (\S+)/;
    my $before = $dir ? state_of($dir) : '';
    my ($code, $text, $errors) = ca(@args);
    is($code, $want, "$what: $want");
    like($errors, $like, "$what: why");
    is($text, '', "$what: nothing on stdout");
    is($dir ? state_of($dir) : '', $before, "$what: nothing is changed");
}

# A leaf for a name, by openssl with the generation's key, and what openssl
# verify says of it.
sub verify {
    my ($where, $n, $san, $root) = @_;
    AcmeServer::write_file('leaf.ext', "subjectAltName=critical,$san\n");
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'leaf.key', '-subj',
        '/', '-out', 'leaf.csr');
    openssl('x509', '-req', '-in', 'leaf.csr', '-CA', "$where/$n.pem", '-CAkey',
        "$where/$n.key", '-CAcreateserial', '-CAserial', 'serial', '-days', 1,
        '-extfile', 'leaf.ext', '-out', 'leaf.pem');
    return openssl('verify', '-x509_strict', '-CAfile', $root, '-untrusted',
        "$where/$n.pem", 'leaf.pem');
}

subtest 'init' => sub {
    my ($code, $text) = ca('init', '--dir', 'corp', '--org', 'Example Corp',
        '--permit-dns', 'corp.example', '--permit-dns', 'corp.test',
        '--permit-ip', '10.0.0.0/8', '--root-key', 'safe.key');
    is($code, 0, 'init: 0');
    like($text, qr{^<ACMEIssuer\ corp>\n\ +ACMEIssuerDirectory\ \Q$base\E/corp\n
        </ACMEIssuer>\n}mx, 'lines to paste');
    like($text, qr{offline.*\Q$base\E/safe\.key}s, 'the root key goes offline');
    is((stat 'corp')[2] & 07777, 0700, 'the directory is private');
    is((stat "$_")[2] & 07777, 0600, "$_ is private") for 'safe.key',
        'corp/1.key';
    is(join(' ', sort map { s{.*/}{}r } glob 'corp/*'),
        '1.key 1.pem lock root.pem', 'files');
    my $cert = openssl('x509', '-in', 'corp/1.pem', '-noout', '-text');
    like($cert, qr/Name\ Constraints:\ critical\s+Permitted:\s+
        DNS:corp\.example\s+DNS:corp\.test\s+IP:10\.0\.0\.0\/255\.0\.0\.0/x,
        'name constraints');
    like($cert, qr/CA:TRUE, pathlen:0/, 'a CA above leaves only');
    like($cert, qr/Subject: O = Example Corp, CN = Example Corp issuing 1/,
        'its name');
    like(openssl('x509', '-in', 'corp/root.pem', '-noout', '-subject'),
        qr/O = Example Corp, CN = Example Corp root/, 'the name of its root');
    like(verify('corp', 1, 'DNS:a.corp.example', 'corp/root.pem'), qr/: OK/,
        'a leaf within the constraints');
    like(verify('corp', 1, 'DNS:a.evil.test', 'corp/root.pem'),
        qr/permitted subtree violation/, 'one that is not');
    like(verify('corp', 1, 'IP:10.1.2.3', 'corp/root.pem'), qr/: OK/,
        'an address within');
    like(verify('corp', 1, 'IP:192.0.2.1', 'corp/root.pem'),
        qr/permitted subtree violation/, 'an address that is not');
};

subtest 'every kind of key' => sub {
    my %like = ('P-384' => qr/secp384r1/, 'RSA-2048' => qr/\(2048 bit\)/,
        'ED25519' => qr/ED25519/);
    for my $kind (sort keys %like) {
        my $made = json('init', '--dir', $kind, '--key', $kind);
        is($made->{generation}, 1, "$kind: made");
        like(openssl('x509', '-in', "$kind/1.pem", '-noout', '-text'),
            $like{$kind}, "$kind: the key");
        like(verify($kind, 1, 'DNS:a.test', "$kind/root.pem"), qr/: OK/,
            "$kind: a leaf");
        is($made->{rootKey}, "$base/$kind/root.key", "$kind: the root's key");
        like($made->{config}, qr/ACMEIssuerDirectory/, "$kind: configuration");
    }
};

subtest 'what init refuses' => sub {
    refused('a CA that is there', 4, qr/holds a CA already/, 'init', '--dir',
        'corp');
    refused('a root key that is there', 4, qr/safe\.key: is there already/,
        'init', '--dir', 'new', '--root-key', 'safe.key');
    refused('no directory', 2, qr/--dir DIR/, 'init');
    refused('a kind of key', 2, qr/RSA-1024.*choose one of P-256/, 'init',
        '--dir', 'other', '--key', 'RSA-1024');
    refused('a name', 2, qr/\Q*.corp.example\E/, 'init', '--dir', 'other',
        '--permit-dns', '*.corp.example');
    refused("a name that is two lines", 2, qr/--name: .*printable/, $_, '--dir',
        'other', '--name', "a\nb") for qw(init csr);
    refused('a long organization', 2, qr/--org: .*longer than 64/, $_, '--dir',
        'other', '--name', 'a', '--org', 'x' x 65) for qw(init csr);
    refused('a network', 2, qr/bits behind its prefix/, 'init', '--dir',
        'other', '--permit-ip', '10.0.0.1/8');
    refused('a time', 2, qr/--expires soon/, 'init', '--dir', 'other',
        '--expires', 'soon');
    refused('to outlive the root', 2, qr/outlive its root/, 'init', '--dir',
        'other', '--expires', '9y', '--root-expires', '8y');
    refused('an unknown option', 2, qr/./, 'init', '--nonsense');
    refused('no parent directory', 3, qr{mkdir -p}, 'init', '--dir',
        'no/such/dir');
    ok(!-e 'other', 'and no directory is made');
    refused('one file twice', 4, qr/1\.key: /, 'init', '--dir', 'new',
        '--root-key', 'new/1.key');
    refused('no directory of a root key', 3, qr/mkdir -p/, 'init', '--dir',
        'new', '--root-key', 'no/such/root.key');
    ok(!-e 'new', 'and none is left behind');
    mkdir 'old', 0700;
    refused('in a directory that is there', 4, qr/1\.key: /, 'init', '--dir',
        'old', '--root-key', 'old/1.key');
    is_deeply([glob 'old/*'], [], 'and nothing is left in it');
};

subtest 'renew' => sub {
    my $old = AcmeServer::read_file('corp/1.pem');
    refused('without the key', 3, qr/corp\/root\.key.*--root-key/, 'renew',
        '--dir', 'corp');
    refused('with another key', 4, qr/does not belong/, 'renew', '--dir',
        'corp', '--root-key', 'P-384/root.key');
    for my $file ('corp/1.key', 'corp/1.pem') {
        my (undef, undef, $errors) = ca('renew', '--dir', 'corp', '--root-key',
            $file);
        like($errors, qr/name another file$/, "$file is not the root's key");
        unlike($errors, qr/mv/, 'but stays what it is');
    }
    my ($code, $text) = ca('renew', '--dir', 'corp', '--root-key', 'safe.key');
    is($code, 0, 'renew: 0');
    is(AcmeServer::read_file('corp/1.pem'), $old, 'the old one stays');
    my $cert = openssl('x509', '-in', 'corp/2.pem', '-noout', '-text');
    like($cert, qr/CN = Example Corp issuing 2/, 'the name');
    like($cert, qr/DNS:corp\.example\s+DNS:corp\.test\s+IP:10/,
        'the constraints are carried over');
    like(verify('corp', $_, 'DNS:a.corp.test', 'corp/root.pem'), qr/: OK/,
        "generation $_ signs") for 1, 2;
    my $same = json('renew', '--dir', 'corp', '--root-key', 'safe.key',
        '--same-key', '--permit-dns', 'corp.test');
    is($same->{constraints},
        'permitted dns:corp.test; excluded ip:0.0.0.0/0 ip:::/0',
        'other constraints');
    is(AcmeServer::read_file('corp/3.key'), AcmeServer::read_file('corp/2.key'),
        'the same key');
    refused('two kinds of key', 2, qr/same-key/, 'renew', '--dir', 'corp',
        '--same-key', '--key', 'P-256');
    refused('nothing to renew', 3, qr/no certificate|cannot read/, 'renew',
        '--dir', 'nothing');
};

subtest 'crl' => sub {
    my @root = qw(crl --dir corp --key safe.key);
    refused('without the key', 3, qr/corp\/root\.key/, 'crl', '--dir', 'corp');
    refused('with another key', 4, qr/does not belong/, 'crl', '--dir', 'corp',
        '--key', 'P-384/root.key');
    refused('of another root', 4, qr/no CA that .* has issued/, @root,
        '--revoke', 'P-384/1.pem');
    refused('of an issuer', 4, qr/cert revoke/, qw(crl --certificate),
        'corp/1.pem');
    refused('a reason of leaves', 2, qr/--reason keyC/, @root,
        qw(--revoke corp/1.pem --reason keyCompromise));
    refused('a reason for nothing', 2, qr/--revoke/, @root, '--reason',
        'superseded');
    refused('two places', 2, qr/choose one/, @root, '--certificate', 'x.pem');
    is((ca(@root))[0], 0, 'crl: 0');
    my $list = json(@root, qw(--revoke corp/1.pem --revoke corp/2.pem),
        qw(--reason cACompromise --next-update 90d));
    is("$list->{number} $list->{entries}", '2 2', 'the next list, of two');
    is($list->{list}, "$base/corp/root.crl", 'where it is');
    my $text = openssl(qw(crl -noout -text -in corp/root.crl -CAfile),
        'corp/root.pem');
    like($text, qr/verify OK.*(?:CA Compromise.*){2}/s, 'openssl reads it');
    unlink 'corp/root.crl' or die $!;
};

subtest 'list and show' => sub {
    my $list = json('list', '--dir', 'corp');
    is(join(' ', map { "$_->{generation}:$_->{state}" } @$list),
        '3:signs 2:ready 1:ready', 'list');
    my ($code, $text) = ca('list', '--dir', 'corp');
    like($text, qr/^corp +3 +signs +\S+Z +P-256 .*issuing 2$/m, 'as a table');
    my $shown = json('show', '--dir', 'corp');
    is($shown->{generation}, 3, 'show: the one that signs');
    is($shown->{alternates}, 1, 'with the chain of its twin');
    is($shown->{pem}, AcmeServer::read_file('corp/3.pem'), 'its PEM');
    is(json('show', 1, '--dir', 'corp')->{constraints},
        'permitted dns:corp.example dns:corp.test ip:10.0.0.0/8', 'show 1');
    refused('show 9', 3, qr/no such generation/, 'show', 9, '--dir', 'corp');
    refused('show x', 2, qr/a number/, 'show', 'x', '--dir', 'corp');
    refused('list of nothing', 3, qr/no-dir/, 'list', '--dir', 'no-dir');
    AcmeServer::write_file('corp/4.pem', 'garbage');
    $list = json('list', '--dir', 'corp');
    is($list->[0]{state}, 'broken', 'a broken one is shown');
    like($list->[0]{fault}, qr/4\.pem/, 'with what is wrong');
    unlink 'corp/4.pem';
};

# An outside CA, as openssl makes one.
openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'out.key',
    '-out', 'out.pem', '-subj', '/CN=Outside', '-days', 900,
    '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
AcmeServer::write_file('ca.ext', "basicConstraints=critical,CA:TRUE,pathlen:0\n"
    . "keyUsage=critical,keyCertSign,cRLSign\n");
AcmeServer::write_file('leafy.ext', "basicConstraints=critical,CA:FALSE\n");

sub outside_sign {
    my ($csr, $ext, $out, @args) = @_;
    return openssl('x509', '-req', '-in', $csr, '-CA', 'out.pem', '-CAkey',
        'out.key', '-CAcreateserial', '-extfile', $ext, '-out', $out,
        (@args ? @args : ('-days', 90)));
}

subtest 'an intermediate that an outside root signs' => sub {
    my ($code, $text) = ca('csr', '--dir', 'sub', '--name', 'Sub CA', '--key',
        'P-384');
    is($code, 0, 'csr: 0');
    my ($csr) = $text =~ /(-----BEGIN CERTIFICATE REQUEST-----.*END[^\n]*\n)/s;
    is($csr, AcmeServer::read_file('sub/1.csr'), 'the request is shown');
    like(openssl('req', '-in', 'sub/1.csr', '-noout', '-text', '-verify'),
        qr/verify OK.*CN = Sub CA.*CA:TRUE.*Certificate Sign/s,
        'a request for a CA');
    is((stat 'sub/1.key')[2] & 07777, 0600, 'the key is private');
    is(json('list', '--dir', 'sub')->[0]{state}, 'waiting', 'it waits');
    refused('a second request', 4, qr/waits for its certificate/, 'csr',
        '--dir', 'sub', '--name', 'Sub CA');

    outside_sign('sub/1.csr', 'leafy.ext', 'leafy.pem');
    outside_sign('sub/1.csr', 'ca.ext', 'sub.pem');
    refused('no CA', 4, qr/no CA certificate/, 'install', '--dir', 'sub',
        'leafy.pem', 'out.pem');
    refused('no chain', 4, qr/the chain ends with/, 'install', '--dir', 'sub',
        'sub.pem');
    refused('another chain', 4, qr/has signed none of the chain/, 'install',
        '--dir', 'sub', 'sub.pem', 'corp/root.pem');
    refused('another key', 4, qr/fits a key/, 'install', '--dir', 'sub',
        'corp/1.pem');
    refused('garbage', 4, qr/no certificate in PEM/, 'install', '--dir', 'sub',
        'ca.ext');
    refused('no file', 3, qr/no-such/, 'install', '--dir', 'sub', 'no-such');
    refused('no argument', 2, qr/CERTIFICATE/, 'install', '--dir', 'sub');

    ($code, $text) = ca('install', '--dir', 'sub', 'out.pem', 'sub.pem');
    is($code, 0, 'install: 0, in any order');
    like($text, qr/<ACMEIssuer sub>/, 'lines to paste');
    like(verify('sub', 1, 'DNS:a.test', 'out.pem'), qr/: OK/, 'it signs');
    refused('install again', 4, qr/is generation 1 already/, 'install', '--dir',
        'sub', 'sub.pem', 'out.pem');
    refused('renew', 3, qr/acmectl ca csr/, 'renew', '--dir', 'sub');
    outside_sign('sub/1.csr', 'ca.ext', 'again.pem', '-days', 200);
    is(json('install', '--dir', 'sub', 'again.pem', 'out.pem')->{generation},
        2, 'signed anew for the same key: the next generation');
};

subtest 'another request is as the one before' => sub {
    ca('csr', '--dir', 'next', '--name', 'Next CA', '--org', 'Example', '--key',
        'P-384', '--permit-dns', 'corp.example');
    AcmeServer::write_file('next.ext', AcmeServer::read_file('ca.ext')
        . "\nnameConstraints=critical,permitted;DNS:corp.example\n");
    outside_sign('next/1.csr', 'next.ext', 'next.pem');
    my ($code) = ca('install', '--dir', 'next', 'next.pem', 'out.pem');
    is($code, 0, 'the first one is installed');
    ($code) = ca('csr', '--dir', 'next');
    is($code, 0, 'csr again');
    my $text = openssl('req', '-in', 'next/2.csr', '-noout', '-text');
    like($text, qr/Subject: O = Example, CN = Next CA$/m, 'its name');
    like($text, qr/Name Constraints.*DNS:corp\.example/s, 'its constraints');
    like($text, qr/secp384r1/, 'its kind of key');
    rename "next/2.$_", "next/old.$_" for qw(key csr);
    ca('csr', '--dir', 'next', '--name', 'Other CA', '--key', 'P-256',
        '--permit-dns', 'other.example');
    $text = openssl('req', '-in', 'next/2.csr', '-noout', '-text');
    like($text, qr/Subject: CN = Other CA$/m, 'another name, if it is given');
    like($text, qr/Name Constraints.*DNS:other\.example/s, '… constraints');
    unlike($text, qr/corp\.example|secp384r1/, '… and key');
};

subtest 'what Windows gives' => sub {
    for my $form (qw(PEM DER)) {
        ca('csr', '--dir', "p7-$form");
        outside_sign("p7-$form/1.csr", 'ca.ext', 'one.pem');
        openssl('crl2pkcs7', '-nocrl', '-certfile', 'one.pem', '-certfile',
            'out.pem', '-outform', $form, '-out', 'chain.p7b');
        my ($code) = ca('install', '--dir', "p7-$form", 'chain.p7b');
        is($code, 0, "PKCS #7 in $form");
    }
    ca('csr', '--dir', 'der');
    outside_sign('der/1.csr', 'ca.ext', 'one.pem');
    openssl('x509', '-in', 'one.pem', '-outform', 'DER', '-out', 'one.cer');
    my ($code) = ca('install', '--dir', 'der', 'one.cer', 'out.pem');
    is($code, 0, 'DER');
};

subtest 'expired, and weak' => sub {
    ca('csr', '--dir', 'old');
    outside_sign('old/1.csr', 'ca.ext', 'expired.pem', '-days', 0);
    refused('expired', 4, qr/expired/, 'install', '--dir', 'old', 'expired.pem',
        'out.pem');
    outside_sign('old/1.csr', 'ca.ext', 'sha1.pem', '-sha1', '-days', 9);
    refused('SHA-1', 4, qr/verifiers refuse/, 'install', '--dir', 'old',
        'sha1.pem', 'out.pem');
};

subtest 'import' => sub {
    refused('another key', 4, qr/fits no certificate/, 'import', '--dir', 'imp',
        '--private-key', 'safe.key', 'sub/1.pem');
    refused('no key', 2, qr/--private-key/, 'import', '--dir', 'imp',
        'sub/1.pem');
    openssl('pkey', '-in', 'sub/1.key', '-aes256', '-passout', 'pass:x', '-out',
        'locked.key');
    refused('a passphrase', 4, qr/is encrypted/, 'import', '--dir', 'imp',
        '--private-key', 'locked.key', 'sub/1.pem');
    ok(!-e 'imp', 'and no directory is made');
    my $made = json('import', '--dir', 'imp', '--private-key', 'sub/1.key',
        'sub/1.pem');
    is($made->{generation}, 1, 'import');
    is((stat 'imp/1.key')[2] & 07777, 0600, 'the key is private');
    like(verify('imp', 1, 'DNS:a.test', 'out.pem'), qr/: OK/, 'it signs');
    refused('again', 4, qr/generation 1 already/, 'import', '--dir', 'imp',
        '--private-key', 'sub/1.key', 'sub/1.pem');
    is(json('import', '--dir', 'imp', '--private-key', 'corp/1.key',
        'corp/1.pem')->{generation}, 2, 'another one is the next generation');
};

subtest 'what strict verifiers refuse' => sub {
    openssl('req', '-new', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'bare.key', '-subj',
        '/CN=bare', '-days', 999, '-out', 'bare.pem');
    my ($code, $text, $errors) = ca('import', '--dir', 'bare', '--private-key',
        'bare.key', 'bare.pem');
    is($code, 0, 'a CA without keyUsage is imported');
    like($errors, qr/warning: strict verifiers .*a CA without keyUsage; /,
        'with a warning');
    ca('csr', '--dir', 'mail');
    AcmeServer::write_file('mail.ext', AcmeServer::read_file('ca.ext')
        . "\nextendedKeyUsage=emailProtection\n");
    outside_sign('mail/1.csr', 'mail.ext', 'mail.pem');
    my $made = json('install', '--dir', 'mail', 'mail.pem', 'out.pem');
    like("@{ $made->{warnings} || [] }",
        qr/an extKeyUsage without serverAuth; /, 'install warns of usages');
};

subtest 'help' => sub {
    my ($code, $text) = ca('--help');
    is($code, 0, 'ca --help: 0');
    like($text, qr/acmectl ca $_\b/, "ca --help has $_")
        for qw(init csr install import renew crl list show);
    for my $verb (qw(init csr install import renew crl list show)) {
        ($code, $text) = ca($verb, '--help');
        is($code, 0, "ca $verb --help: 0");
        like($text, qr/--dir DIR.*exit codes/s, "ca $verb --help");
    }
};

subtest 'of a running server' => sub {
    my $server = AcmeServer->new(
        vhost => "<ACMEIssuer corp>\nACMEIssuerDirectory $base/corp\n"
            . "</ACMEIssuer>\n")->start;
    my @httpd = ('--httpd', $server->command_line);
    my ($code, $text) = acmectl('--json', @httpd, 'ca', 'list');
    is($code, 0, 'list: 0');
    my $list = eval { JSON::PP->new->decode($text) } || [];
    is(join(' ', map { "$_->{issuer}:$_->{generation}:$_->{state}" } @$list),
        'automatic:1:signs corp:3:signs corp:2:ready corp:1:ready',
        'all issuers of the server');
    ($code, $text) = acmectl('--json', @httpd, 'ca', 'show', '--issuer',
        'corp', 2);
    is(eval { JSON::PP->new->decode($text)->{generation} }, 2, 'show');
    ($code) = acmectl(@httpd, 'ca', 'list', '--issuer', 'nobody');
    is($code, 3, 'an issuer that is not there: 3');
    my ($done) = acmectl(@httpd, 'ca', 'renew', '--dir', 'corp', '--root-key',
        'safe.key');
    is($done, 0, 'renew while it runs: 0');
    is(sql($server, "SELECT who FROM events WHERE kind = 'ca.renew'"),
        'acmectl:' . getpwuid($<) . "\n", 'the audit trail knows who did it');
    $server->finish;
};

chdir '/';
done_testing;
