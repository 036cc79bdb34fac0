#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# dns-01 (T80) and CAA (T85) with Knot: authority only, zones that it signs by
# itself as they are updated, with NSEC3; one whose signatures are over.

use strict;
use warnings;
use Digest::SHA qw(sha256);
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use Test::More;

use AcmeClient;
use AcmeKnot;
use AcmeOperator;
use AcmeServer;
use AcmeTool;
use AcmeWire;

AcmeTool->need(qw(knotd keymgr dig nsupdate dnssec-keygen dnssec-signzone));

# sub.good.test is a zone of its own, that good.test does not vouch for.
my $knot = AcmeKnot->new(signed => [qw(good.test wrong.test)],
    late => [qw(old.test)],
    zones => [qw(plain.test good.test sub.good.test wrong.test old.test)],
    more => { 'good.test' => <<'EOT', 'old.test' => <<'EOT' });
sub NS ns.sub
ns.sub A 127.0.0.1
theirs CAA 0 issue "other.example"
_acme-challenge.alias CNAME there.good.test.
_acme-challenge.away CNAME there.plain.test.
EOT
_acme-challenge.a TXT "whatever"
EOT
my $anchor = AcmeServer::tempdir() . '/anchors';
my $good = $knot->anchor('good.test');
AcmeServer::write_file($anchor, join '', $good, $good =~ s/^good/wrong/r,
    $knot->anchor('old.test'));

my $server = AcmeServer->new(vhost => vhost(''))->start;
my $c = AcmeWire->new(server => $server);
$c->register;

sub vhost {
    my ($more) = @_;
    return <<"EOT";
ACMEResolver test @{[$knot->server]}
ACMEResolver 127.0.0.1:9
ACMEValidationPort dns-01 $knot->{port}
ACMEValidationTimeout 4s
ACMEValidationWait 0
ACMEAuthzReuse off
ACMECAAIdentity ca.example
<ACMEProfile web>
    ACMEProfileEnrollment acme
    ACMEProfileCAA on
</ACMEProfile>
ACMEDefaultProfile web
$more
EOT
}

sub begin {
    my ($name) = @_;
    my $order = $c->order($name)->{json};
    my $url   = $order->{authorizations}[0];
    my $chall = AcmeClient::challenge($c->get($url)->{json}, 'dns-01');
    return ($url, $chall->{url}, encode_base64url(
            sha256($c->key_authorization($chall->{token}))));
}

sub verdict {
    my ($url, $challenge) = @_;
    my $authz = $c->poll($url, 'pending')->{json};
    return ($authz->{status}, AcmeClient::challenge($authz, 'dns-01'));
}

# Begun, with its record at this place (its own, unless said).
sub publish {
    my ($name, $at) = @_;
    my ($url, $challenge, $digest) = begin($name);
    $at //= "_acme-challenge.$name";
    $knot->update("update delete $at. TXT",
        qq(update add $at. 60 TXT "$digest"));
    $c->post($challenge, {});
    return ($url, $challenge);
}

sub proven {
    my ($what, @where) = @_;
    my ($status, $chall) = verdict(publish(@where));
    is($status, 'valid', $what) or diag $chall->{error}{detail};
}

# All at once, since each ends after some tries.
sub refused {
    my %want = @_;
    my %one = map { $_ => [@{ $want{$_} }[0] ? publish($_) : begin($_)] }
        sort keys %want;
    $c->post($one{$_}[1], {}) for sort keys %one;
    for my $name (sort keys %want) {
        my (undef, $type, $detail, $what) = @{ $want{$name} };
        my ($status, $chall) = verdict(@{ $one{$name} });
        is($status, 'invalid', $what);
        like($chall->{error}{type}, qr/:$type$/, "$what: $type");
        like($chall->{error}{detail}, $detail, "$what: its detail");
    }
}

sub the_same {
    my ($how) = @_;
    proven("T80 $how: a zone that signs itself", 'a.good.test');
    proven("T80 $how: once more", 'a.good.test');
    proven("T80 $how: a zone without signatures", 'a.plain.test');
    proven("T80 $how: it is delegated", 'a.sub.good.test');
    proven("T80 $how: an alias", 'alias.good.test', 'there.good.test');
    proven("T80 $how: an alias elsewhere", 'away.good.test',
        'there.plain.test');
    proven("T80 $how: the zone's own name", 'good.test');
}

the_same('authority');
refused(
    'theirs.good.test' => [1, 'caa', qr/"other\.example" only/,
        'T85 CAA of others'],
    'b.old.test' => [0, 'dns', qr/ns\.old\.test \(127\.0\.0\.1\): NXDOMAIN/,
        'T80 no record']);

$server->configure(vhost => vhost(<<"EOT"))->graceful;
ACMEResolverDNSSEC on
ACMEResolverTrustAnchor $anchor
EOT
the_same('DNSSEC');
proven('DNSSEC: a record of the wildcard', 'x.wild.good.test',
    '*.wild.good.test');
refused(
    'theirs.good.test' => [1, 'caa', qr/"other\.example" only/,
        'T85 DNSSEC: CAA of others'],
    'none.good.test' => [0, 'dns', qr/NXDOMAIN/,
        'DNSSEC: NSEC3 proves that it is not'],
    'a.wrong.test' => [1, 'dns', qr/DNSSEC does not hold: /,
        'DNSSEC: signed by another key'],
    'a.old.test' => [0, 'dns', qr/DNSSEC does not hold: .*expired/,
        'DNSSEC: signed too long ago']);

# An operator sees as much beforehand.
for (['fresh.good.test', 0, qr/^  zone +good\.test$/m],
    ['a.old.test', 4, qr/^  seen .*DNSSEC does not hold: .*expired/m])
{
    my ($name, $want, $like) = @$_;
    my ($code, $text) = acmectl($server, 'check', $name, '--dns-01',
        '--profile', 'web');
    is($code, $want, "acmectl check $name: $want");
    like($text, $like, "acmectl check $name: what it says");
}
$server->finish;
done_testing;
