#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 8.2, retrying, over the wire: what fails at first is tried again in
# time, the challenge says so meanwhile, and a client can have it sooner.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep time);
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    vhost => 'ACMEValidationRetry 2s')->start;
my $client = AcmeWire->new(server => $server);
answered($client->register, 201, 'an account');

# An order whose challenge is accepted, with nothing there that answers it.
sub begin {
    my ($name) = @_;
    my $order = $client->order($name);
    my ($authz) = @{ $order->{json}{authorizations} };
    my $chall = AcmeClient::challenge($client->get($authz)->{json});
    answered($client->post($chall->{url}, {}), 200, "T63 $name");
    return { name => $name, order => $order->{json}{self}, authz => $authz,
        chall => $chall, start => time };
}

# Now it is there.
sub mend {
    my ($one) = @_;
    my $token = $one->{chall}{token};
    $responder->put($token, $client->key_authorization($token));
}

# The challenge once its first try has failed.
sub failed {
    my ($one) = @_;
    return AcmeServer::wait_for(10, sub {
        my $res = $client->get($one->{chall}{url});
        return $res if $res->{json}{error}
            || $res->{json}{status} ne 'processing';
        sleep 0.1;
        return;
    });
}

sub took { return time - $_[0]{start} }

# Fails first, works then.
my $one = begin('a.test');
my $res = failed($one);
answered($res, 200, 'T66 a challenge whose try has failed');
is($res->{json}{status}, 'processing', 'T66 processing');
is($res->{json}{error}{type}, 'urn:ietf:params:acme:error:incorrectResponse',
    'T66 with the error');
like($res->{json}{error}{detail}, qr/status 404/, 'T66 which says what it was');
like(AcmeClient::header($res, 'retry-after') // '', qr/^[23]$/,
    'T66 R19 Retry-After: after the next try');
ok(!exists $res->{json}{validated}, 'T66 not validated');
like($res->{body}, qr/"token":.*"error":\{"detail"/, 'R7 the order of members');
$res = $client->get($one->{authz});
is($res->{json}{status}, 'pending', 'T66 the authorization is pending');
unlike($res->{body}, qr{"status": *"(?:in)?valid"},
    "R9 and shows nothing else");
mend($one);
$res = $client->poll($one->{authz}, 'pending');
is($res->{json}{status}, 'valid', 'T66 the second try succeeds');
cmp_ok(took($one), '<', 8, 'R20 in time');
my ($chall) = @{ $res->{json}{challenges} };
ok($chall->{validated} && !$chall->{error}, 'T66 validated, without error');
is($client->get($one->{order})->{json}{status}, 'ready', 'T53 order ready');
my @asked = grep { $_->[1] =~ /\Q$one->{chall}{token}\E$/ }
    $responder->requests;
is(@asked, 2, 'T66 it was asked twice');

# Given up.
$one = begin('b.test');
$res = $client->poll($one->{chall}{url}, 'pending', 'processing');
is($res->{json}{status}, 'invalid', 'T66 given up');
like($res->{json}{error}{detail}, qr/status 404/, 'T66 with the last error');
ok(!AcmeClient::header($res, 'retry-after'), 'R19 no Retry-After when final');
my $took = took($one);
cmp_ok($took, '>', 4, 'T66 not at once');
cmp_ok($took, '<', 11, 'R20 within ACMEValidationTimeout');
@asked = grep { $_->[1] =~ /\Q$one->{chall}{token}\E$/ } $responder->requests;
cmp_ok(@asked, '>=', 2, 'T66 it was asked more than once');
cmp_ok(@asked, '<=', 4, 'T66 and not all the time');
mend($one);
answered($client->post($one->{chall}{url}, {}), 200, 'T65 accepted once more');
is($client->get($one->{authz})->{json}{status}, "invalid",
    "T65 final is final");

# The client says that it is there now.
reload($server, vhost =>
    "ACMEValidationRetry 20s\nACMEValidationTimeout 60s");
$client->detach;
$one = begin('c.test');
$res = failed($one);
cmp_ok(AcmeClient::header($res, 'retry-after'), '>', 15,
    'T66 a long time until the next try');
mend($one);
sleep 2.2;
$res = $client->post($one->{chall}{url}, {});
answered($res, 200, 'T65 accepted again while it is processing');
like($res->{json}{status}, qr/^(?:processing|valid)$/, 'R14 no mistake');
$res = AcmeServer::wait_for(8, sub {
    my $now = $client->get($one->{authz});
    return $now->{json}{status} eq 'valid' ? $now : undef });
ok($res, 'T65 it was tried at once') or diag took($one);
cmp_ok(took($one), '<', 15, 'T65 long before it was due');

# Not too often.
$one = begin('d.test');
failed($one);
for (1 .. 20) {
    answered($client->post($one->{chall}{url}, {}), 200, 'T65 and again');
}
@asked = grep { $_->[1] =~ /\Q$one->{chall}{token}\E$/ } $responder->requests;
cmp_ok(@asked, '<=', 2 + took($one) / 2, 'T65 but not as often as that');

# A child that dies in between costs nothing: whoever is left does it.
reload($server, vhost => 'ACMEValidationRetry 3s');
$client->detach;
$one = begin('e.test');
failed($one);
kill 'KILL', $server->children;
$client->detach;
mend($one);
$res = AcmeServer::wait_for(20, sub {
    my $now = eval { $client->get($one->{authz}) };
    $client->detach if !$now;
    return $now && $now->{json}{status} =~ /^(?:in)?valid$/ ? $now : undef });
is($res && $res->{json}{status}, 'valid', 'H11 T66 another child tries again');
$server->finish(qr/AH00052|AH00051|AH1039[23]/);
done_testing;
