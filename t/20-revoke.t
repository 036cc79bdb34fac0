#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 7.6: revocation by clients (T73 to T76).

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use MIME::Base64 qw(encode_base64url decode_base64);
use lib "$FindBin::Bin/lib";
use Test::More;

use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $url    = "$server->{base}/acme/revoke-cert";

sub account {
    my $c = AcmeWire->new(server => $server);
    $c->register;
    return $c;
}

# A certificate of this client: {pem, der (base64url), serial, key (a client
# that signs with its key)}.
sub issue {
    my ($c, $names, $kind) = @_;
    my $order = $c->authorize($c->order(@$names)->{json}, $responder);
    my $csr = $c->csr($names, key => $kind || 'ec256');
    my $res = $c->finalize($order, $csr);
    my $pem = $c->get($res->{json}{certificate})->{body};
    my ($leaf) = $pem =~ /-----BEGIN[^\n]*\n(.*?)-----END/s;
    my $file = AcmeServer::tempdir() . '/key.pem';
    rename "$c->{dir}/cert.key", $file or die $!;
    return { pem => $pem, der => encode_base64url(decode_base64($leaf)),
        id => $res->{json}{certificate} =~ s{.*/}{}r,
        key => AcmeWire->new(server => $server, key_file => $file,
            key => $kind || 'ec256') };
}

sub revoke {
    my ($c, $cert, %more) = @_;
    return $c->post($url, { certificate => $cert->{der}, %more },
        $c->{kid} ? () : (jwk => $c->{jwk}));
}

# "time|reason" in the database.
sub state_of {
    my ($cert) = @_;
    my ($row) = split /\n/, sql($server, 'SELECT revoked_at > 0, '
        . "revoked_reason FROM certs WHERE id = '$cert->{id}'");
    return $row;
}

sub by_account {
    my $c    = account();
    my $cert = issue($c, ['a.test', 'b.test']);
    my $res  = revoke($c, $cert);
    answered($res, 200, 'T73 T74 by the account');
    is($res->{body}, '', 'T74 without a body');
    is(AcmeClient::header($res, 'content-type'), undef, 'T74 or a type');
    is(state_of($cert), '1|-1', 'T75 on disk, without a reason');
    refused(revoke($c, $cert), 400, 'alreadyRevoked', 'T74 once more');
    is($c->get("$server->{base}/acme/cert/$cert->{id}")->{status}, 200,
        'it can be fetched all the same');
    for my $reason (0, 1, 3, 4, 5) {
        $cert = issue($c, ['a.test']);
        answered(revoke($c, $cert, reason => $reason), 200,
            "T75 reason $reason");
        is(state_of($cert), "1|$reason", "T75 reason $reason is kept");
    }
}

sub refusals {
    my $c    = account();
    my $cert = issue($c, ['a.test']);
    refused(revoke($c, $cert, reason => $_), 400, 'badRevocationReason',
        'T75 reason ' . JSON::PP->new->allow_nonref->encode($_),
        qr/0 \(unspecified\), 1 .*, 3 .*, 4 .*, 5 \(/)
        for 2, 6, 7, 8, 9, 10, 11, -1, '1', 1.5, [], {}, undef, \1;
    refused($c->post($url, $_), 400, 'malformed', 'T76 no certificate')
        for '', {}, { certificate => 1 }, { certificate => '' },
        { certificate => 'MAAA' }, { certificate => "$cert->{der}=" },
        { certificate => $cert->{pem} }, { certificate => "$cert->{der}AAAA" };
    my $forged = substr($cert->{der}, 0, -4) . 'AAAA';
    refused($c->post($url, { certificate => $forged }), 404, 'malformed',
        'T76 another certificate with the same serial number');
    my $foreign = AcmeClient::run('openssl', 'req', '-x509', '-key',
        $c->{key_file}, '-subj', '/CN=a.test', '-outform', 'DER');
    refused($c->post($url, { certificate => encode_base64url($foreign) }), 404,
        'malformed', 'T74 a certificate that is not ours');
    refused(revoke(account(), $cert), 403, 'unauthorized',
        'T73 another account', qr/another account/);
    my $stranger = AcmeWire->new(server => $server);
    refused(revoke($stranger, $cert), 403, 'unauthorized', 'T73 another key');
    my $self = AcmeWire->new(server => $server, key_file => $c->{key_file});
    refused(revoke($self, $cert, reason => 1), 403, 'unauthorized',
        'T73 the account\'s own key as a jwk', qr/kid/);
    is(AcmeClient::problem($c->post($url, { certificate => $cert->{der} },
        kid => $c->{kid}, jwk => $c->{jwk})), 'malformed', 'T04 jwk and kid');
    is($c->http('GET', $url)->{status}, 405, 'T15 GET');
    is(state_of($cert), '0|-1', 'nothing has happened');
    my $gone = account();
    my $last = issue($gone, ['a.test']);
    $gone->post($gone->{kid}, { status => 'deactivated' });
    refused(revoke($gone, $last), 401, 'unauthorized',
        'T39 a deactivated account');
    answered(revoke($last->{key}, $last), 200, 'T73 but the key can');
}

sub by_authorizations {
    my $c     = account();
    my $cert  = issue($c, ['a.test', 'b.test']);
    my $other = account();
    $other->authorize($other->order('a.test')->{json}, $responder);
    refused(revoke($other, $cert), 403, 'unauthorized',
        'T73 an authorization for one of two names', qr/b\.test/);
    $other->authorize($other->order('b.test')->{json}, $responder);
    answered(revoke($other, $cert, reason => 5), 200,
        'T73 an account with authorizations for all names');
    my ($detail) = split /\n/, sql($server, 'SELECT detail FROM events '
        . "WHERE kind = 'cert.revoke' AND cert_id = '$cert->{id}'");
    like($detail, qr/"reason":"cessationOfOperation","by":"authorizations"/,
        'an event says who and why');
}

sub by_key {
    my $c = account();
    for my $kind (qw(ec256 ec384 rsa2048)) {
        my $cert = issue($c, ['c.test'], $kind);
        answered(revoke($cert->{key}, $cert, reason => 4), 200,
            "T73 by the certificate's own key, $kind");
        is(state_of($cert), '1|1', 'T75 which proves its compromise');
        refused(revoke($cert->{key}, $cert), 400, 'alreadyRevoked',
            'T74 once more');
        my $bad = $cert->{key};
        refused($bad->register, 400, 'badPublicKey',
            'T75 no account gets this key', qr/compromised/);
        my $order = $c->authorize($c->order('d.test')->{json}, $responder);
        my $csr = $c->csr(['d.test'], key_file => $bad->{key_file});
        refused($c->finalize($order, $csr), 400, 'badCSR',
            'T75 no certificate gets it', qr/compromised/);
        my $change = $c->endpoints->{keyChange};
        refused($c->post($change, $bad->jws($change, { account => $c->{kid},
            oldKey => $c->{jwk} }, jwk => $bad->{jwk}, nonce => undef)), 400,
            'badPublicKey', 'T42 T75 and no rollover');
    }
}

# The account says compromised, the key has not: nobody else loses it.
sub by_word {
    my $c    = account();
    my $cert = issue($c, ['a.test']);
    my $late = AcmeWire->new(server => $server,
        key_file => $cert->{key}{key_file});
    answered($late->register, 201, 'an account with a certificate\'s key');
    answered(revoke($c, $cert, reason => 1), 200,
        'T75 keyCompromise by the account');
    answered($late->get($late->{kid}), 200, 'T75 blocks nothing');
    refused(revoke($cert->{key}, $cert), 400, 'alreadyRevoked',
        'T75 by the key itself, too late to revoke');
    refused($late->get($late->{kid}), 401, 'unauthorized',
        'T75 but the key is blocked, and its account revoked', qr/revoked/);
}

# Two and more at once: one of them does it.
sub at_once {
    my $c = account();
    for my $n (1 .. 5) {
        my $cert = issue($c, ['e.test']);
        my @w = ((map { $c->another } 1 .. 3), map { $cert->{key}->another }
            1 .. 2);
        my @res = AcmeWire::at_once(map { [$_, $url,
            $_->jws($url, { certificate => $cert->{der} },
                $_->{kid} ? () : (jwk => $_->{jwk}))] } @w);
        is(grep({ $_->{status} == 200 } @res), 1, 'T74 five at once: one 200')
            || diag join ' ', map { $_->{status} } @res;
        is(grep({ AcmeClient::problem($_) eq 'alreadyRevoked' } @res), 4,
            'T74 and four alreadyRevoked');
        my ($count) = split /\n/, sql($server, 'SELECT count(*) FROM events '
            . "WHERE kind = 'key.block' AND cert_id = '$cert->{id}'");
        is($count, 1, 'T75 the key is blocked, whoever was first');
    }
}

# What a removed profile has issued can be revoked.
sub removed_profile {
    my $section = <<'EOT';
<ACMEProfile old>
    ACMEProfilePolicy any
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEPolicy any>
</ACMEPolicy>
EOT
    reload($server, vhost => $section);
    my $c = AcmeWire->new(server => $server, profile => 'old');
    $c->register;
    my @certs = map { issue($c, ['a.test']) } 1, 2;
    reload($server, vhost => '');
    is($c->http('GET', $c->{directory})->{status}, 404, 'a removed profile');
    $url = "$server->{base}/acme/old/revoke-cert";
    answered(revoke($c, $certs[0]), 200, 'its account can revoke');
    $url = "$server->{base}/acme/revoke-cert";
    answered(revoke($certs[1]{key}, $certs[1]), 200, 'its keys can, anywhere');
}

by_account();
refusals();
by_authorizations();
by_key();
by_word();
at_once();
removed_profile();
$server->finish;
done_testing;
