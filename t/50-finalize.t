#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Several finalizes of one order at once give one certificate (T60); whole flows
# side by side.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use Test::More;

use AcmeCheck;
use AcmeFlows;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my ($server, $c, @clients);

# Answers to these CSRs, sent at the same time.
sub finalize_at_once {
    my ($order, @csrs) = @_;
    my $url = $order->{finalize};
    return AcmeWire::at_once(map { [$clients[$_], $url, $clients[$_]->jws($url,
        { csr => encode_base64url($csrs[$_]) })] } 0 .. $#csrs);
}

sub certificates {
    my ($order) = @_;
    my ($id) = $order->{self} =~ m{/([^/]+)$};
    return sql($server,
        "SELECT count(*) FROM certs WHERE order_id = '$id'") + 0;
}

sub ready {
    my $order = $c->order('a.test')->{json};
    return $order->{status} eq 'ready' ? $order : $c->authorize($order);
}

sub same_csr {
    my ($mpm, $number) = @_;
    my $order = ready();
    my @res = finalize_at_once($order, ($c->csr(['a.test'])) x $number);
    my @good = grep { $_->{status} == 200
        && $_->{json}{status} =~ /^(?:valid|processing)$/ } @res;
    is(@good, $number, "T60 R13 $mpm: $number at once with one CSR")
        or diag map { "$_->{status} $_->{body}\n" } @res;
    my $done = $c->poll($order->{self}, 'processing')->{json};
    is($done->{status}, 'valid', "T60 $mpm: the order is valid");
    my %urls = map { $_->{json}{certificate} // $done->{certificate} => 1 }
        @res;
    is_deeply([keys %urls], [$done->{certificate}],
        "T60 $mpm: all get the same certificate");
    is(certificates($order), 1, "T60 $mpm: and there is one");
}

sub other_csrs {
    my ($mpm, $number) = @_;
    my $order = ready();
    my @res = finalize_at_once($order,
        map { scalar $c->csr(['a.test']) } 1 .. $number);
    is(grep({ $_->{status} == 200 } @res), 1,
        "T60 $mpm: one of $number CSRs wins");
    is(grep({ AcmeClient::problem($_) eq 'orderNotReady' } @res), $number - 1,
        "T55 T60 $mpm: the others are too late")
        or diag map { "$_->{status} $_->{body}\n" } @res;
    my $done = $c->poll($order->{self}, 'processing')->{json};
    is($done->{status}, 'valid', "T60 $mpm: the order is valid");
    is(certificates($order), 1, "T60 $mpm: with one certificate");
}

for my $mpm ($ENV{ACME_MPM} || qw(event prefork)) {
    $server = AcmeServer->new(mpm => $mpm, http01_port => $responder->{port},
        global => $mpm eq 'prefork' ? "StartServers 16\nMaxSpareServers 30\n"
        : "StartServers 3\n")->start;
    $c = AcmeWire->new(server => $server);
    $c->register;
    $responder->thumbprint($c->thumbprint);
    @clients = map { $c->another } 1 .. 12;
    same_csr($mpm, $_) for 2, 2, 2, 12;
    other_csrs($mpm, $_) for 2, 2, 2, 12;
    AcmeFlows::settled($server, "T60 $mpm");
    $responder->thumbprint('');

    $server->configure(vhost => AcmeFlows->vhost)->graceful;
    my $flows = AcmeFlows->new(server => $server, responder => $responder,
        workers => 20, flows => 3)->start;
    $flows->check("$mpm: 20 clients, 3 flows each", 60);
    $server->finish;
}
done_testing;
