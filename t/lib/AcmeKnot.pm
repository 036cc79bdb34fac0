# SPDX-License-Identifier: Apache-2.0
package AcmeKnot;

# Knot on a free port of 127.0.0.1: authority for some zones and nothing else,
# not even recursion.  What AcmeNamed does, and: signed ones have NSEC3; zones
# that are "late" were signed long ago, by somebody else.

use strict;
use warnings;
use POSIX qw(strftime);

use AcmeClient;
use AcmeNamed;
use AcmeServer;

our @ISA = qw(AcmeNamed);

my $long_ago = time - 90 * 86400;

# Besides AcmeNamed's: late: [names], also of zones; more: {zone => records}.
sub configure {
    my ($self) = @_;
    my ($dir, %signed) = ($self->{dir}, map { $_ => 1 } @{ $self->{signed} });
    mkdir "$dir/knot.db";
    AcmeServer::write_file("$dir/knot.conf", <<"EOT");
server:
    rundir: "$dir"
    pidfile: "$dir/knot.pid"
    listen: 127.0.0.1\@$self->{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: "$dir/knot.db"
    journal-db-max-size: 32M
    timer-db-max-size: 4M
    kasp-db-max-size: 8M
key:
  - id: $self->{key_name}
    algorithm: hmac-sha256
    secret: $self->{secret}
acl:
  - id: update
    key: $self->{key_name}
    action: update
policy:
  - id: signed
    nsec3: on
    nsec3-iterations: 0
template:
  - id: default
    storage: "$dir"
    acl: update
    dnssec-policy: signed
zone:
@{[join '', map { $self->zone_text($_, $signed{$_}) } @{ $self->{zones} }]}
EOT
    $self->sign_late($_) for @{ $self->{late} };
}

sub zone_text {
    my ($self, $zone, $is_signed) = @_;
    $self->zone($zone, $self->{ns}{$zone} // '127.0.0.1');
    my $file = "$self->{dir}/$zone.zone";
    AcmeServer::write_file($file, AcmeServer::read_file($file)
        . ($self->{more}{$zone} // ''));
    return qq(  - domain: $zone\n    file: "$zone.zone"\n)
        . '    dnssec-signing: ' . ($is_signed ? 'on' : 'off') . "\n";
}

# Signatures that were good for a month.
sub sign_late {
    my ($self, $zone) = @_;
    my $dir = $self->{dir};
    my $at = sub { strftime('%Y%m%d%H%M%S', gmtime($long_ago + $_[0])) };
    my @key = ('dnssec-keygen', '-q', '-K', $dir, '-a', 'ECDSAP256SHA256');
    AcmeClient::run(@key, '-P', $at->(0), '-A', $at->(0), '-f', 'KSK', $zone);
    AcmeClient::run(@key, '-P', $at->(0), '-A', $at->(0), $zone);
    AcmeClient::run('dnssec-signzone', '-qSP', '-K', $dir, '-d', $dir, '-o',
        $zone, '-s', $at->(0), '-e', $at->(30 * 86400), '-f',
        "$dir/$zone.signed", "$dir/$zone.zone");
    rename "$dir/$zone.signed", "$dir/$zone.zone" or die $!;
}

sub program {
    my ($self) = @_;
    return ('knotd', '-c', "$self->{dir}/knot.conf");
}

# The keys that sign a zone, as a DS record has them.
sub anchor {
    my ($self, $zone) = @_;
    return AcmeNamed::anchor($self, $zone)
        if grep { $_ eq $zone } @{ $self->{late} };
    local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
    my $text = AcmeClient::run('keymgr', '-c', "$self->{dir}/knot.conf", $zone,
        'ds');
    return join '', $text =~ /^(\S+ DS \d+ \d+ 2 .*\n)/mg;
}

1;
