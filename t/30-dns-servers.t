#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# dns-01 (T80) with name servers as intranets have them: BIND, with zones that
# are signed, wrongly signed and not signed at all, and dnsmasq.

use strict;
use warnings;
use Digest::SHA qw(sha256);
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use POSIX ();
use Test::More;

use AcmeCheck;
use AcmeClient;
use AcmeNamed;
use AcmeServer;
use AcmeTool;
use AcmeWire;

AcmeTool->need(qw(named dig nsupdate dnsmasq));

# The trust anchor has the key of good.test; for wrong.test, which has another
# one, and forged.test, which is not signed, it has the same.
my $named = AcmeNamed->new(signed => [qw(good.test wrong.test)], zones =>
    [qw(plain.test good.test wrong.test forged.test)]);
my $anchor = AcmeServer::tempdir() . '/anchors';
my $key = $named->anchor('good.test');
AcmeServer::write_file($anchor, join '', map { $key =~ s/^good/$_/r }
    qw(good wrong forged));

my $lab_port = AcmeServer::free_port();
my $server = AcmeServer->new(vhost => vhost(''));
$server->start;
my $c = AcmeWire->new(server => $server);
$c->register;

sub vhost {
    my ($more) = @_;
    return <<"EOT";
ACMEResolver @{[$named->server]}
ACMEResolver lab.test 127.0.0.1:$lab_port
ACMEValidationPort dns-01 $named->{port}
ACMEValidationTimeout 6s
ACMEAuthzReuse off
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
    $c->post($challenge, {});
    my $authz = $c->poll($url, 'pending')->{json};
    return ($authz->{status}, AcmeClient::challenge($authz, 'dns-01'));
}

# Published, and looked at.
sub outcome {
    my ($name, @values) = @_;
    my ($url, $challenge, $digest) = begin($name);
    my $at = "_acme-challenge.$name. 60 TXT";
    $named->update("update delete $at",
        map { "update add $at $_" } @values, qq("$digest"));
    return verdict($url, $challenge);
}

sub proven {
    my ($what, @how) = @_;
    my ($status, $chall) = outcome(@how);
    is($status, 'valid', $what) or diag $chall->{error}{detail};
}

proven('T80 BIND, an update a moment ago', 'a.plain.test');
proven('T80 BIND, many values and strings', 'b.plain.test',
    (map { qq("value $_" "and more of it" "@{['x' x 200]}") } 1 .. 12));
proven('T80 without DNSSEC nothing is validated', 'a.wrong.test');

# dnsmasq is told its records when it starts.
my ($url, $challenge, $digest) = begin('host.lab.test');
my $dnsmasq = fork // die "fork: $!";
if (!$dnsmasq) {
    open STDERR, '>', '/dev/null';
    $ENV{PATH} .= ':/usr/sbin:/sbin';
    exec 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null',
        '--no-resolv', '--no-hosts', "--port=$lab_port", '--bind-interfaces',
        '--listen-address=127.0.0.1', '--pid-file=', '--user=', '--group=',
        '--local=/lab.test/', "--txt-record=_acme-challenge.host.lab.test,old",
        "--txt-record=_acme-challenge.host.lab.test,$digest"
        or POSIX::_exit(127);
}
AcmeServer::wait_for(10, sub { eval { AcmeClient::run('dig', '+tries=1',
    '+time=1', '@127.0.0.1', '-p', $lab_port, 'x.lab.test') } ? 1 : undef });
my ($status, $chall) = verdict($url, $challenge);
is($status, 'valid', 'T80 dnsmasq, for a zone of its own')
    or diag $chall->{error}{detail};
kill 'TERM', $dnsmasq;
waitpid $dnsmasq, 0;

$server->configure(vhost => vhost(<<"EOT"))->graceful;
ACMEResolverDNSSEC on
ACMEResolverTrustAnchor $anchor
ACMEResolverInsecure lax.forged.test
EOT
proven('DNSSEC: a signed zone', 'a.good.test');
proven('DNSSEC: a zone that needs no signatures', 'a.lax.forged.test');
proven('DNSSEC: a zone without any key above it', 'a.plain.test');
# All at once, since each ends after some tries.
my %name = ('a.wrong.test' => 'signed by another key',
    'a.forged.test' => 'not signed');
my %one = map { $_ => [begin($_)] } sort keys %name;
for (sort keys %one) {
    $named->update(qq(update add _acme-challenge.$_. 60 TXT "$one{$_}[2]"));
    $c->post($one{$_}[1], {});
}
my @none = begin('none.good.test');
$c->post($none[1], {});
for (sort keys %one) {
    ($status, $chall) = verdict(@{ $one{$_} });
    is($status, 'invalid', "DNSSEC: $name{$_}");
    like($chall->{error}{type}, qr/:dns$/, 'it is a dns problem');
    like($chall->{error}{detail}, qr/resolver .*DNSSEC does not hold: /,
        'and its detail says why');
}
($status, $chall) = verdict(@none);
like($chall->{error}{detail}, qr/NXDOMAIN/, 'DNSSEC: a proof that it is not');

# Without its trust anchor the server proves nothing, and knows it; a file that
# only speaks of some is none.
$server->configure(vhost => vhost(<<"EOT"));
ACMEResolverDNSSEC on
ACMEResolverTrustAnchor $anchor-missing
ACMEValidationTimeout 1s
EOT
($status, my $text) = $server->syntax;
is($status, 0, 'a missing trust anchor is a fact of the moment');
my $told = qr/ACMEResolverTrustAnchor \Q$anchor\E-missing: No such file/;
like($text, qr/AS0432: .* $told/, 'and -t warns of it');
my $from = length $server->log;
$server->graceful;
like(substr($server->log, $from), qr/AS0432: .* $told/, 'so does the start');
@none = begin('a.good.test');
$c->post($none[1], {});
ok($server->wait_log(qr/AS0203: .* $told/, $from), 'so does whoever needs it');
ok(AcmeServer::wait_for(20, sub {
    AcmeCheck::sql($server, 'SELECT max(attempts) FROM jobs') > 1 ? 1 : undef
}), 'which tries again');
is($c->get($none[0])->{json}{status}, 'pending', 'and nothing is decided');
for (['; write DS records here', qr/no DS or DNSKEY record/],
    ["$key\nand so on", qr/not all of its lines are DS or DNSKEY/])
{
    AcmeServer::write_file("$anchor-missing", "$_->[0]\n");
    ($status, $text) = $server->syntax;
    like($text, qr/AS0432: .*ACMEResolverTrustAnchor \S+: .*$_->[1]/,
        'nor does it take what only looks like one');
}
AcmeServer::write_file("$anchor-missing", $key);
is($c->poll($none[0], 'pending')->{json}{status}, 'invalid',
    'decided when it is there');
$server->finish(qr/ACMEResolverTrustAnchor/);
done_testing;
