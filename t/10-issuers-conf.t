#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What is only true just now: an issuer's file that is not there or broken, a
# key that does not fit, a chain that does not build, a CA that has expired, a
# list of blocked keys or a key file that cannot be read.  `httpd -t` warns, a
# start or reload succeeds with one critical line, that issuer's profiles answer
# 503 with the reason, everything else works; the next reload finds it mended.
# And what the parent makes: the key file for secrets, the audit log.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeResponder;
use AcmeServer;
use AcmeSkip;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port});
my $dir = "$server->{dir}/ca";
mkdir $dir;

sub openssl { return AcmeClient::run('openssl', @_) }

# A root and what it signs, as files <name>.pem and <name>.key.
sub make_key { openssl('ecparam', '-name', $_[1] || 'prime256v1', '-genkey',
    '-noout', '-out', "$dir/$_[0].key") }
sub make_root {
    my ($name) = @_;
    make_key($name);
    openssl('req', '-new', '-x509', '-key', "$dir/$name.key", '-subj',
        "/CN=$name", '-days', 3650, '-out', "$dir/$name.pem", '-addext',
        'keyUsage=critical,keyCertSign,cRLSign');
}
sub make_ca {
    my ($name, $by, %o) = @_;
    make_key($name, $o{curve});
    openssl('req', '-new', '-key', "$dir/$name.key", '-subj', "/CN=$name",
        '-out', "$dir/$name.csr");
    AcmeServer::write_file("$dir/ext", $o{ext} || "keyUsage=critical,"
        . "keyCertSign,cRLSign\nbasicConstraints=critical,CA:true,pathlen:0\n"
        . "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n");
    openssl('x509', '-req', '-in', "$dir/$name.csr", '-CA', "$dir/$by.pem",
        '-CAkey', "$dir/$by.key", '-CAcreateserial', '-extfile', "$dir/ext",
        '-days', $o{days} || 1000, '-out', "$dir/$name.leaf");
    AcmeServer::write_file("$dir/$name.pem",
        AcmeServer::read_file("$dir/$name.leaf")
            . AcmeServer::read_file("$dir/$by.pem"));
}
make_root('root');
make_root('other');
make_ca('corp', 'root');
make_ca('lab', 'root');
make_ca('old', 'root', days => -1);
make_ca('weak', 'root', ext => "basicConstraints=CA:false\n");
chmod 0600, glob "$dir/*.key";
sub slurp { AcmeServer::read_file("$dir/$_[0]") }
sub spew {
    my ($name, $text) = @_;
    AcmeServer::write_file("$dir/$name", $text);
    chmod 0600, "$dir/$name";
}

# The configuration, for acmectl.
sub conf_dump {
    my ($status, $text) = $server->command('-t', '-D', 'DUMP_ACME_CONFIG');
    AcmeServer::write_file("$dir/dump", $text =~ s/^Syntax OK\n//mr);
}

my $conf = join "\n", map({ ("<ACMEIssuer $_>",
    "ACMEIssuerCertificate $dir/$_.pem", "ACMEIssuerKey $dir/$_.key",
    '</ACMEIssuer>', "<ACMEProfile $_>", "ACMEProfileIssuer $_",
    'ACMEProfileEnrollment acme', '</ACMEProfile>') } qw(corp lab)),
    'ACMEDefaultProfile lab', "ACMEAuditLog $server->{dir}/logs/audit.log";
$server->configure(vhost => $conf);
my ($status, $text) = $server->syntax;
is($status, 0, 'issuers in files: -t finds no mistake');
unlike($text, qr/AS04/, '… and nothing to say') or diag $text;
ok(!-e $server->{state}, '… and makes no file');

$server->start;
my $base = "$server->{base}/acme";
like($server->log, qr{AS0406: .*profile corp: directory \Q$base\E/corp/direc},
    'the URL of a profile is told');
like($server->log, qr{AS0406: .*profile lab: directory \Q$base\E/lab/direct},
    '… of each');
like($server->log, qr{AS0424: .*profile lab .*: directory \Q$base\E/directory},
    '… and of the directory without a name');

# Everything that a client does, under the profile's directory.
AcmeServer::write_file("$dir/roots.pem",
    AcmeClient::run('curl', '-sfk', "$base/roots.pem"));
sub client {
    my ($profile) = @_;
    my $client = AcmeClient->new(server => $server, cacert => "$dir/roots.pem",
        directory => "$base/$profile/directory");
    $client->register;
    return $client;
}
sub issue {
    my ($client, $name) = @_;
    my $res = $client->order($name);
    return $res if $res->{status} != 201;
    my $order = $client->authorize($res->{json}, $responder);
    $res = $client->finalize($order, $client->csr([$name]));
    return $res if $res->{status} != 200;
    return $client->get($res->{json}{certificate});
}
sub issuer_of {
    my ($pem) = @_;
    AcmeServer::write_file("$dir/got", $pem);
    return openssl('x509', '-in', "$dir/got", '-noout', '-issuer')
        =~ /CN\s*=\s*(.*)/ ? $1 : '';
}
my %client = map { $_ => client($_) } qw(corp lab);
for my $name (qw(corp lab)) {
    my $res = issue($client{$name}, 'a.test');
    is(issuer_of($res->{body}), $name, "profile $name: issuer $name signs");
}

# The state directory's own.
SKIP: {
    my $file = "$server->{state}/ca/eab.key";
    my @stat = stat $file;
    is($stat[2] & 07777, 0600, 'the key file for secrets is private');
    is($stat[4], $>, '… who is the parent\'s user');
    like(AcmeServer::read_file($file), qr/^[0-9a-f]{8} [0-9a-f]{64}$/m,
        '… and holds a key');
    like($server->log, qr/notice\].*AS0429: made the key file .*\Q$file\E/,
        '… and the log tells that it is new');
}
like(AcmeServer::read_file("$server->{dir}/logs/audit.log"),
    qr/^\{.*\}\n(?:\{.*\}\n)+\z/, 'the audit log has lines of JSON');
is((stat "$server->{dir}/logs/audit.log")[2] & 07, 0,
    '… that not everybody may read');

my %good = map { $_ => slurp($_) } qw(corp.pem corp.key);
my $root = slurp('root.pem');
my @facts = (
    ['no certificate', sub { unlink "$dir/corp.pem" }, qr{corp\.pem.*open}],
    ['no key', sub { unlink "$dir/corp.key" }, qr{corp\.key.*open}],
    ['a broken PEM', sub { spew('corp.pem', slurp('corp.pem') =~ s/M/!/gr) },
        qr{corp\.pem}],
    ['an empty key', sub { spew('corp.key', '') }, qr{corp\.key}],
    ['another\'s key', sub { spew('corp.key', slurp('lab.key')) },
        qr{corp\.(?:pem|key)}],
    ['a chain that does not build',
        sub { spew('corp.pem', slurp('corp.leaf') . slurp('other.pem')) },
        qr{corp\.pem}],
    ['a CA that has expired', sub { spew("corp.$_", slurp("old.$_"))
        for qw(pem key) }, qr{corp\.pem.*(?:expire|valid|ended)}],
    ['a certificate of no CA', sub { spew("corp.$_", slurp("weak.$_"))
        for qw(pem key) }, qr{corp\.pem.*CA}],
);
my %once;
for (@facts) {
    my ($name, $break, $want) = @$_;
    $break->();
    ($status, $text) = $server->syntax;
    is($status, 0, "$name: -t does not fail");
    like($text, qr/AS0417: issuer corp would sign nothing now: .*$want/,
        '… but warns');
    my $from = length $server->log;
    $server->graceful;
    my @lines = grep { /acme_server:crit\]/ } split /\n/,
        substr $server->log, $from;
    is(scalar @lines, 1, '… a reload has one critical line');
    like($lines[0] // '', qr/AS0416: issuer corp of .*503: corp: .*$want/,
        '… with profile, path and reason');
    my $res = $client{corp}->order('b.test');
    refused($res, 503, 'serverInternal', '… newOrder');
    like($res->{json}{detail}, qr/^Nothing can be issued.*: $want/,
        '… with the reason');
    unlike($res->{json}{detail}, qr/\Q$dir/, '… and without directories');
    like(AcmeClient::header($res, 'retry-after') // '', qr/^\d+$/,
        '… with Retry-After');
    is(issuer_of(issue($client{lab}, 'b.test')->{body}), 'lab',
        '… the other profile issues');
    spew($_, $good{$_}) for keys %good;
    $server->graceful;
    is(issuer_of(issue($client{corp}, 'c.test')->{body}), 'corp',
        '… mended at the next reload');
}
SKIP: {
    skip_here 'not root: nothing is hidden from us', 6 if $> != 0;
    my @as = qw(setpriv --reuid=www-data --regid=www-data --clear-groups);
    my $hidden = system "@as test -r $AcmeServer::build/mod_acme_server.so";
    SKIP: {
        skip_here 'the module is where others may not look', 2 if $hidden;
        $text = `@as @{[$server->command_line]} -t 2>&1`;
        is($?, 0, 'a key that is root\'s alone: -t by another does not fail');
        like($text, qr/AS0417: issuer corp .*corp\..*; run this as root/,
            '… and does not ask for another owner');
    }
    conf_dump();
    $text = `@as $AcmeServer::build/acmectl --config $dir/dump \\
        issuer list 2>&1`;
    is($? >> 8, 1, 'acmectl issuer list by another: 1');
    like($text, qr/^corp +internal +unknown /m, '… knows nothing of it');
    like($text, qr/issuer corp: .*corp\.[^;]*ermission.*; run this as root\n/,
        '… and why');
    $text = `$AcmeServer::build/acmectl --config $dir/dump issuer list 2>&1`;
    like($text, qr/^corp +internal +ready /m, '… root does');
}

# Issuers that sign, though verifiers will refuse it, or not for long.
{
    my %fault = (
        plain => [qr/strict verif.*CN=plain\W+a CA without keyUsage; /,
            ext => "basicConstraints=critical,CA:true,pathlen:0\n"
                . "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"],
        mail => [qr/clients .*CN=mail\W+an extKeyUsage without serverAuth; /,
            ext => "keyUsage=critical,keyCertSign,cRLSign\n"
                . "basicConstraints=critical,CA:true,pathlen:0\n"
                . "extendedKeyUsage=emailProtection\n"
                . "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"],
        soon => [qr/generation 1 ends at .*clamped to that; /, days => 30],
        any => [undef, ext => "keyUsage=critical,keyCertSign,cRLSign\n"
                . "basicConstraints=critical,CA:true,pathlen:0\n"
                . "extendedKeyUsage=serverAuth,clientAuth\n"
                . "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"],
    );
    for my $name (sort keys %fault) {
        my ($like, @how) = @{ $fault{$name} };
        make_ca($name, 'root', @how);
        chmod 0600, "$dir/$name.key";
        $server->configure(vhost => $conf =~ s/\blab\b/$name/gr);
        my ($status, $text) = $server->syntax;
        is($status, 0, "issuer $name: -t does not fail");
        if (!$like) {
            unlike($text, qr/AS0418/, '… and has nothing to say') or diag $text;
            next;
        }
        like($text, qr/AS0418: issuer $name: $like/, '… but warns');
        conf_dump();
        $text = `$AcmeServer::build/acmectl --config $dir/dump issuer list`;
        like($text, qr/^$name +internal +ready .*$like/m, '… as acmectl does');
        my $from = length $server->log;
        $server->graceful;
        like(substr($server->log, $from), qr/AS0418: issuer $name: $like/,
            '… and a reload');
    }
    $server->configure(vhost => $conf);
    $server->graceful;
}
unlike($server->log, qr/BEGIN .*PRIVATE|PRIVATE KEY-----/, 'no key in the log');

# A profile of one's own CA and a certificate of one's own: no automatic CA.
$server->stop;
{
    my $other = AcmeServer->new(state => "$server->{dir}/second",
        vhost => "$conf\nSSLCertificateFile $dir/corp.pem\n"
            . "SSLCertificateKeyFile $dir/corp.key",
        global => join "\n", '<ACMEIssuer out>',
        "ACMEIssuerCertificate $dir/none.pem", "ACMEIssuerKey $dir/corp.key",
        '</ACMEIssuer>', map { "<VirtualHost 127.0.0.1:$_>\nServerName y$_.test"
            . "\nACMEServer on\nACMEStateDir $server->{dir}/third\n"
            . "SSLEngine on\n</VirtualHost>" } 1, 2)->start;
    is(join(' ', map { s{.*/}{}r } sort glob "$other->{state}/ca/*"), 'eab.key',
        'no automatic CA where nobody needs one');
    my $roots = AcmeClient::run('curl', '-sfk',
        "$other->{base}/acme/roots.pem");
    is($roots, $root, '… and no root of it is published');
    my @lines = $other->log =~ /AS0416: (.*)/g;
    is(scalar @lines, 1, 'an issuer that virtual hosts share is told of once');
    like($lines[0], qr/issuer out of localhost signs nothing .* reload: /,
        '… and that no profile suffers');
    $other->finish(qr/AS04(?:16|30)/, qr/AH0(?:1909|1906|2292|1915)/);
}

# A start is no different from a reload.
$server->stop;
spew('corp.pem', 'nothing');
my $from = length $server->log;
$server->start;
delete $_->{nonce} for values %client;
is(scalar(() = substr($server->log, $from) =~ /AS0416/g), 1,
    'a start says it once, too');
spew('corp.pem', $good{'corp.pem'});
$server->graceful;

# Blocked keys.
my $list = "$server->{dir}/blocked";
$server->configure(vhost => "$conf\nACMEKeyBlocklist $list");
($status, $text) = $server->syntax;
is($status, 0, 'no list of blocked keys: -t does not fail');
like($text, qr/AS0426: .*would issue nothing now: ACMEKeyBlocklist \Q$list\E:/,
    '… but warns');
$from = length $server->log;
$server->graceful;
like(substr($server->log, $from), qr/crit\].*AS0420: .*\Q$list\E/,
    '… critical at a reload');
refused($client{lab}->order('a.test'), 503, 'serverInternal', '… newOrder');
my $csr = $client{lab}->csr(['a.test']);
AcmeServer::write_file($list, "# blocked\n" . '0' x 64 . "\n");
$server->graceful;
is(issuer_of(issue($client{lab}, 'a.test')->{body}), 'lab', '… mended');

# A policy that forbids what the issuer's key signs with.
make_ca('corp', 'root', curve => 'secp384r1');
$server->configure(vhost => $conf =~ s/(ACMEProfileIssuer corp)/$1\n
    ACMEProfilePolicy p/r
    . "\n<ACMEPolicy p>\nACMEPolicySignature sha256\n</ACMEPolicy>");
$from = length $server->log;
$server->graceful;
like(substr($server->log, $from),
    qr/crit\].*AS0427: profile corp .*policy p .*sha384|SHA384/i,
    'issuer and policy that do not fit are told');
refused($client{corp}->order('a.test'), 503, 'serverInternal', '… newOrder');
spew($_, $good{$_}) for keys %good;

# The key file for secrets: a new line at the top, or garbage.
SKIP: {
    my $file = "$server->{state}/ca/eab.key";
    my $good = AcmeServer::read_file($file);
    $server->configure(vhost => $conf =~ s/(ACMEProfileIssuer corp)/$1
        ACMEProfileExternalAccount required/r);
    $server->graceful;
    is(AcmeServer::read_file($file), $good, 'a key file that exists is kept');
    AcmeServer::write_file($file, "nonsense\n");
    ($status, $text) = $server->syntax;
    is($status, 0, 'a broken key file: -t does not fail');
    like($text, qr/AS0419: external account keys cannot be .*\Q$file\E/,
        '… but warns');
    $from = length $server->log;
    $server->graceful;
    like(substr($server->log, $from), qr/crit\].*AS0419: .*\Q$file\E/,
        '… critical at a reload');
    is(AcmeServer::read_file($file), "nonsense\n", '… and left alone');
    AcmeServer::write_file($file, '01' x 4 . ' ' . 'ab' x 32 . "\n$good");
    $from = length $server->log;
    $server->graceful;
    unlike(substr($server->log, $from), qr/AS0419/,
        'a new key above the old one is good');
    unlike($server->log, qr/(?:ab){32}/, 'no key is in the log');
    ($status, $text) = $server->command('-t', '-D', 'DUMP_ACME_CONFIG');
    unlike($text, qr/(?:ab){32}/, '… or in the dump');
}

# The audit log as a program, no shell, which ThreadSanitizer does not bear; one
# that cannot be opened.
my $piped = "$server->{dir}/piped.log";
AcmeServer::write_file("$dir/logger", <<'EOT');
#!/usr/bin/perl
open STDOUT, '>>', shift or die;
exec 'cat';
EOT
chmod 0755, "$dir/logger";
$server->configure(vhost => $conf
    =~ s/ACMEAuditLog .*/ACMEAuditLog "|$dir\/logger $piped"/r);
$server->graceful;
issue(client('lab'), 'd.test');
ok($server->wait_log(qr/./) && AcmeServer::wait_for(10,
    sub { -s $piped ? 1 : undef }), 'a program gets the lines');
like(AcmeServer::read_file($piped), qr/^\{.*\}\n/, '… of JSON');
$server->configure(vhost => $conf
    =~ s{ACMEAuditLog .*}{ACMEAuditLog $server->{dir}/nowhere/audit.log}r);
($status, $text) = $server->syntax;
is($status, 0, 'an audit log that cannot be opened: -t does not fail');
like($text, qr/AS0422: ACMEAuditLog .* could not be opened/, '… but warns');
$from = length $server->log;
$server->graceful;
like(substr($server->log, $from), qr/crit\].*AS0421: ACMEAuditLog/,
    '… critical at a reload');
is(issuer_of(issue($client{lab}, 'a.test')->{body}), 'lab',
    '… and certificates are issued');

# AH00488 and AH00167 are httpd's words for the end of a program that was a log.
$server->finish(qr/AS0(?:305|4(?:16|18|19|2[0-7]|30))/,
    qr/AH00488|AH00167/);
done_testing;
