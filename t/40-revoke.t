#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Revocation from both ends, and what openssl makes of it: acmectl cert revoke,
# by certificate, account, external account key, name and public key; clients;
# the list that the running server publishes soon.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url decode_base64);
use Test::More;
use Time::HiRes qw(time);

use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    global => "ACMEAuditLog logs/audit.log\n", vhost => <<'EOT')->start;
<ACMEProfile web>
    ACMEProfileExternalAccount optional
    ACMEProfileEnrollment      acme
</ACMEProfile>
ACMEDefaultProfile web
EOT
my $crl = "http://localhost:$server->{http_port}/acme/issuer/";

sub account {
    my ($eab) = @_;
    my $c = AcmeWire->new(server => $server);
    $c->register($eab ? (externalAccountBinding => binding($c, $eab)) : ());
    return $c;
}

# {id, serial, der, pem, key_file}
sub issue {
    my ($c, @names) = @_;
    my $order = $c->authorize($c->order(@names)->{json}, $responder);
    my $res = $c->finalize($order, $c->csr(\@names));
    my $pem = $c->get($res->{json}{certificate})->{body};
    my ($leaf) = $pem =~ /-----BEGIN[^\n]*\n(.*?)-----END/s;
    my $file = AcmeServer::tempdir() . '/key.pem';
    rename "$c->{dir}/cert.key", $file or die $!;
    my $id = $res->{json}{certificate} =~ s{.*/}{}r;
    my $row = acmectl_json($server, 'cert', 'show', $id);
    $crl .= "$row->{issuer}.crl" if $crl =~ m{/$};
    return { id => $id, serial => $row->{serial}, pem => $pem,
        spki => $row->{spkiSHA256}, key_file => $file,
        der => encode_base64url(decode_base64($leaf)) };
}

sub show { return acmectl_json($server, 'cert', 'show', $_[0]{id}) }

# {serial => reason} of the list that is published.
sub listed {
    my $text = eval { AcmeClient::run('sh', '-c',
        "curl -sf $crl | openssl crl -inform DER -noout -text") } // '';
    my %found;
    while ($text =~ /Serial Number: (\w+)\n(.*?)(?=Serial Number:|Signature)/sg)
    {
        my ($serial, $rest) = (lc $1, $2);
        my ($reason) = $rest =~ /Reason Code: *\n *([^\n]+)/;
        $found{ sprintf('%32s', $serial) =~ tr/ /0/r } = $reason // '';
    }
    return \%found;
}

# Within so many seconds the list has it, with this reason.
sub listed_ok {
    my ($cert, $reason, $seconds, $name) = @_;
    my $start = time;
    my $found = AcmeServer::wait_for($seconds, sub {
        my $all = listed();
        return exists $all->{ $cert->{serial} } ? [$all->{ $cert->{serial} }]
            : undef;
    });
    is($found ? $found->[0] : 'not there', $reason, $name);
    diag sprintf '%.1f s', time - $start if !$found;
}

sub ctl { return acmectl($server, 'cert', @_) }

my $team  = eab($server, '--profile', 'web', '--name', 'team a');
my $alice = account();
my $bob   = account($team);

sub clients {
    my $cert = issue($alice, 'a.test');
    my $url  = $alice->endpoints->{revokeCert};
    $alice->post($url, { certificate => $cert->{der}, reason => 4 });
    listed_ok($cert, 'Superseded', 10, 'T75 a client\'s revocation is listed');
    my $plain = issue($alice, 'a.test');
    $alice->post($url, { certificate => $plain->{der} });
    listed_ok($plain, '', 10, 'T75 without a reason there is none in the list');
    my $key = AcmeWire->new(server => $server, key_file => $plain->{key_file});
    refused($key->post($url, { certificate => $plain->{der} },
        jwk => $key->{jwk}), 400, 'alreadyRevoked', 'T75 its key, later');
    ok(AcmeServer::wait_for(10, sub {
        (listed()->{ $plain->{serial} } // '') eq 'Key Compromise' ? 1 : undef
    }), 'T75 and the list says keyCompromise');
    is(show($plain)->{revokedReason}, 'keyCompromise', 'acmectl shows that');
}

sub operator {
    my $cert = issue($alice, 'b.test');
    my ($code, $text, $errors) = ctl('revoke', $cert->{id}, '--dry-run');
    is($code, 0, 'cert revoke --dry-run: 0');
    like($text, qr/^$cert->{id} +$cert->{serial} +valid/m, 'shows it');
    like($errors, qr/Nothing was changed; 1 would be revoked/, 'and no more');
    is(show($cert)->{status}, 'valid', 'it is valid');
    ($code, $text) = ctl('revoke', uc($cert->{serial}) =~ s/(..)(?=.)/$1:/gr,
        '--reason', 'privilegeWithdrawn');
    is($code, 0, 'cert revoke SERIAL as openssl prints it');
    like($text, qr/^$cert->{id} .* revoked/m, 'tells');
    my $now = show($cert);
    is($now->{revokedReason}, 'privilegeWithdrawn', 'an operator\'s reason');
    like($now->{revoked}, qr/^20\d\d-/, 'and when');
    listed_ok($cert, 'Privilege Withdrawn', 30, 'the server publishes it soon');
    ($code, undef, $errors) = ctl('revoke', $cert->{id});
    is($code, 4, 'once more: 4');
    like($errors, qr/is revoked already, since 20/, 'and why');
    my $found = acmectl_json($server, 'cert', 'list', '--revoked', '--name',
        'b.test');
    is_deeply([map { $_->{id} } @$found], [$cert->{id}], 'list --revoked');
    my ($event) = grep { $_->{certificate} eq $cert->{id} }
        @{ acmectl_json($server, 'audit', 'list', '--kind', 'cert.revoke') };
    is($event->{who}, 'acmectl:' . getpwuid($<), 'an event tells who');
    is($event->{detail}{reason}, 'privilegeWithdrawn', 'and why');
    is($event->{detail}{by}, 'operator', 'and how');
    like(AcmeServer::read_file("$server->{dir}/logs/audit.log"),
        qr/"cert\.revoke".*$cert->{id}/, 'so does the audit log');
}

sub usage {
    for my $case (['no certificate', 2, qr/ID\|SERIAL/],
        ['both', 2, qr/not both/, 'x' x 22, '--name', 'a.test'],
        ['two names', 2, qr/more than once: --name/, '--name', 'a.test',
            '--name', 'none.test'],
        ['a reason that is none', 2, qr/6.*none of 0/, 'x' x 22, '--reason', 6],
        ['no such certificate', 3, qr/no such certificate/, 'x' x 22],
        ['no such name', 3, qr/nothing to revoke/, '--name', 'none.test'],
        ['a name that is none', 2, qr/--name/, '--name', 'a..b'],
        ['no such account', 3, qr/nothing to revoke/, '--account', 'x' x 22],
        ['no such key', 3, qr/nothing to revoke/, '--eab', 'x'])
    {
        my ($name, $want, $text, @args) = @$case;
        my ($code, undef, $errors) = ctl('revoke', @args);
        is($code, $want, "$name: $want");
        like($errors, $text, 'and says so');
    }
}

sub many {
    my @a = map { issue($bob, 'c.test', 'd.test') } 1 .. 3;
    my $other = issue($alice, 'd.test', 'e.test');
    my $eab = acmectl_json($server, 'cert', 'revoke', '--eab', $team->{kid},
        '--name', 'D.test', '--dry-run');
    is(join(' ', sort map { $_->{id} } @$eab), join(' ', sort map { $_->{id} }
        @a), '--eab and --name: what fits both');
    my ($id) = $bob->{kid} =~ m{([^/]+)$};
    my $done = acmectl_json($server, 'cert', 'revoke', '--account', $id,
        '--reason', 'cessationOfOperation');
    is(scalar @$done, 3, '--account: all three');
    is_deeply([map { $_->{status} } @$done], [('revoked') x 3], 'are revoked');
    is(show($other)->{status}, 'valid', 'and nobody else\'s');
    listed_ok($a[0], 'Cessation Of Operation', 30, 'listed');
    my ($code, $text) = ctl('revoke', '--name', 'e.test');
    is($code, 0, '--name');
    is(show($other)->{status}, 'revoked', 'revokes that one');
    my ($left) = split /\n/, sql($server,
        "SELECT count(*) FROM jobs WHERE kind = 'crl'");
    cmp_ok($left, '<=', 1, 'one job for all of them');
}

# keyCompromise by an operator: what else has the key can be found.
sub compromised {
    my $cert = issue($alice, 'a.test');
    my $order = $alice->authorize($alice->order('b.test')->{json}, $responder);
    my $res = $alice->finalize($order, $alice->csr(['b.test'],
        key_file => $cert->{key_file}));
    is($res->{json}{status}, 'valid', 'two certificates with one key');
    my $key = AcmeWire->new(server => $server, key_file => $cert->{key_file});
    answered($key->register, 201, 'and an account');
    my ($code) = ctl('revoke', $cert->{id}, '--reason', '1');
    is($code, 0, 'cert revoke --reason 1');
    refused($key->get($key->{kid}), 401, 'unauthorized', 'the account is gone',
        qr/revoked/);
    my ($id) = $key->{kid} =~ m{([^/]+)$};
    is(acmectl_json($server, 'account', 'show', $id)->{status}, 'revoked',
        'acmectl shows that');
    $order = $alice->authorize($alice->order('b.test')->{json}, $responder);
    refused($alice->finalize($order, $alice->csr(['b.test'],
        key_file => $cert->{key_file})), 400, 'badCSR', 'the key is blocked');
    my $rest = acmectl_json($server, 'cert', 'revoke', '--spki',
        $cert->{spki}, '--reason', 'keyCompromise');
    is(scalar @$rest, 1, '--spki finds the other certificate');
    ($code) = ctl('revoke', $cert->{id}, '--reason', 'keyCompromise');
    is($code, 0, 'to say it again is no mistake');
    for my $kind (qw(key.block account.revoke)) {
        my ($count) = split /\n/, sql($server,
            "SELECT count(*) FROM events WHERE kind = '$kind'
            AND cert_id = '$cert->{id}'");
        is($count, 1, "one event $kind");
    }
}

clients();
operator();
usage();
many();
compromised();
my ($code) = acmectl($server, 'audit', 'verify');
is($code, 0, 'the audit trail holds');
$server->finish;
done_testing;
