# SPDX-License-Identifier: Apache-2.0
package AcmeNetns;

# Networks of a test's own: namespaces, which are called places here, cables
# between them, and ways that lead nowhere.  They are nobody else's, and end
# with the test, however it ends.  Its own place, where httpd is, is "home".

use strict;
use warnings;
use Cwd qw(abs_path);

use AcmeServer;

# <linux/sched.h>, <linux/mount.h>, and the numbers of Linux' calls on x86_64
# and aarch64.
use constant { NEWNS => 0x00020000, NEWNET => 0x40000000, BIND => 4096 };
my ($mount, $unshare, $setns)
    = `uname -m` =~ /aarch64/ ? (40, 97, 268) : (165, 272, 308);

$ENV{PATH} .= ':/usr/sbin:/sbin';

# What the kernel must let us do; whoever is not root is one among himself.
my @apart = ('unshare', $> == 0 ? () : qw(--map-current-user --keep-caps),
    qw(--net --mount --pid --fork --kill-child --mount-proc));
my $trial = join ' && ', 'ip link set lo up',
    'ip link add veth7 type veth peer name veth8',
    'ip -6 addr add fd00::7/64 dev veth7 nodad', 'ip route add blackhole 10/8',
    'echo 1 >/proc/sys/net/ipv4/ip_forward';

sub call {
    my ($what, $number, @args) = @_;
    syscall($number, @args) == 0 or die "$what: $!\n";
}
sub sh { system(@_) == 0 or die "@_ failed\n" }

# The test's first step: run it once more, alone among processes, mounts and
# networks of its own.  undef: that cannot be had here.
sub enter {
    my ($class) = @_;
    return $class->new if delete $ENV{ACME_NETNS};
    return if system("@apart sh -c '$trial' >/dev/null 2>&1");
    $ENV{ACME_NETNS} = 1;
    exec @apart, $^X, $0, @ARGV or die "unshare: $!\n";
}

# This process leaves the network (and with more of them: …) that it is in.
sub leave { call('unshare', $unshare, NEWNET | ($_[0] // 0)) }

# For a process whose network is its own already.
sub new {
    my ($class) = @_;
    my $self = bless { at => 'home', cables => {} }, $class;
    $self->mark('home');
    return $self;
}

# Where we are is called so.
sub mark {
    my ($self, $place) = @_;
    open $self->{places}{$place}, '<', '/proc/self/ns/net' or die $!;
    sh(qw(ip link set lo up));
}

sub go {
    my ($self, $place) = @_;
    call('setns', $setns, fileno $self->{places}{$place}, NEWNET);
    $self->{at} = $place;
}

# Another network, with nothing in it.
sub add {
    my ($self, $place) = @_;
    leave();
    $self->mark($place);
    $self->go('home');
}

# Do something there: what it opens and starts stays there.
sub at {
    my ($self, $place, $do) = @_;
    my $from = $self->{at};
    $self->go($place);
    my @got = eval { $do->() };
    my $failure = $@;
    $self->go($from);
    die $failure if $failure;
    return wantarray ? @got : $got[0];
}

# "ip …" there.
sub ip {
    my ($self, $place, @words) = @_;
    $self->at($place, sub { sh('ip', map { split } @words) });
}

# A setting below /proc/sys/net there.
sub set {
    my ($self, $place, $name, $value) = @_;
    $self->at($place,
        sub { AcmeServer::write_file("/proc/sys/net/$name", "$value\n") });
}

# A cable between two places: {place => [addresses]}; its ends are devices of
# that name.
sub cable {
    my ($self, $device, %ends) = @_;
    my ($one, $two) = sort keys %ends;
    my $fd = fileno $self->{places}{$two};
    $self->ip($one, "link add $device type veth peer name $device",
        "netns /proc/$$/fd/$fd");
    $self->{cables}{$device} = \%ends;
    $self->plug($device, $_) for $one, $two;
}

# The end of a cable in this place; what was routed there must be routed anew.
sub unplug {
    my ($self, $device, $place) = @_;
    $self->ip($place // 'home', "link set $device down");
}

sub plug {
    my ($self, $device, $place) = @_;
    $place //= 'home';
    $self->ip($place, "link set $device up");
    for (@{ $self->{cables}{$device}{$place} }) {
        $self->ip($place, "addr replace $_ dev $device",
            /:/ ? 'nodad' : ());
    }
}

# Whoever reads this file of the machine's finds this text from now on.
sub cover {
    my ($self, $path, $text) = @_;
    my $known = $self->{covers}{$path};
    my $file  = $known // AcmeServer::tempdir() . '/cover';
    AcmeServer::write_file($file, $text);
    return if $known;
    call('mount', $mount, $file, abs_path($path), 'none', BIND, 0);
    $self->{covers}{$path} = $file;
}

1;
