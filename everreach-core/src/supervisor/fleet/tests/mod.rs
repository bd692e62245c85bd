mod crashes;
mod health;
mod life;
mod sharing;
mod world;
